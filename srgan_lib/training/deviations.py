"""What of a configuration is not as in the paper (section 3.2), in words: for records, cards and tables."""

PAPER = {"srresnet": 1_000_000, "srgan": 200_000}  # updates
BASELINES = ("srcnn", "espcn", "drcn")  # of Table 2


def deviations(config):
    """One line for each way in which a configuration departs from the paper."""
    rows = [row for stage in config.stages for row in _of_stage(stage, config)]
    rows.append("other photos than 350,000 of ImageNet")
    for name, wanted in (("scale", 4), ("crop", 96), ("blocks", 16), ("channels", 64)):
        value = getattr(config, name)
        rows += [f"{name} {value} instead of {wanted}"] if value != wanted else []
    rows += ["no batch normalisation"] if not config.batch_norm else []
    rows += ["sub-pixel layers with tied phases"] if config.tied_phases else []
    rows += [f"moving average of the weights ({config.ema:g})"] if config.ema else []
    rows += [f"a share of {config.flat_crops:.3g} of the crops is one colour"] if config.flat_crops else []
    rows += ["networks computed in bfloat16"] if config.precision == "bfloat16" else []
    if any(stage.is_gan for stage in config.stages):
        rows += _of_the_game(config)
    return list(dict.fromkeys(rows))


def _of_stage(stage, config):
    paper = PAPER["srgan" if stage.is_gan or stage.content.startswith("vgg") else "srresnet"]
    where = f"{stage.name}: " if len(config.stages) > 1 else ""
    if stage.updates < paper:
        yield f"{where}{stage.updates:,} updates instead of {paper:,}"
    if stage.annealing == "cosine" or stage.learning_rate != 1e-4:
        falls = " falling along a cosine" if stage.annealing == "cosine" else ""
        yield f"{where}learning rate {stage.learning_rate:g}{falls} instead of 1e-4"
    if stage.batch != 16:
        yield f"{where}batch {stage.batch} instead of 16"
    if stage.consistency:
        yield f"{where}LR consistency with weight {stage.consistency:g}"
    if stage.discriminator_first:
        yield f"{where}the discriminator is trained alone for {stage.discriminator_first} updates"
    if stage.name in BASELINES:
        yield "SRResNet's loop, photos and optimiser (Adam) instead of its own paper's"
    if stage.name == "drcn":
        yield "only the average of its answers is judged, not each of them"
    if stage.name.startswith("srresnet-vgg"):
        yield "starts from SRResNet-MSE, with SRGAN's schedule"


def _of_the_game(config):
    if config.discriminator == "features":
        layers = ", ".join(f"{layer[0]},{layer[1]}" for layer in config.discriminator_layers)
        yield f"a discriminator on VGG19's features (phi {layers}) instead of Figure 4's"
    elif config.joint_batch:
        yield "the discriminator sees real and generated crops in one batch"
    if config.adversarial_balance:
        yield (
            f"the adversarial term's gradient is kept at {config.adversarial_balance:g} times the content"
            " loss's, instead of a weight of 1e-3"
        )
