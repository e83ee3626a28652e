"""What of a configuration is not as in the paper (section 3.2), in words: for records, cards and tables."""

PAPER = {"srresnet": 1_000_000, "srgan": 200_000}  # updates
CONTENT = ("mse", "luma", "vgg22", "vgg54")
BASELINES = ("srcnn", "espcn", "drcn")  # of Table 2


def deviations(config):
    """One line for each way in which a configuration departs from the paper."""
    rows = [row for stage in config.stages for row in _of_stage(stage, config)]
    rows.append("other photos than 350,000 of ImageNet")
    for name, wanted in (("scale", 4), ("crop", 96)):
        rows += _differing(config, name, wanted)
    rows += ["a network of one's own"] if config.network == "own" else _of_network(config)
    rows += ["LR made by blur and subsampling"] if config.degradation == "blur" else []
    rows += ["sub-pixel layers with tied phases"] if config.tied_phases else []
    if config.stored_statistics:
        rows.append("the generator's batch normalisation takes stored statistics in training too")
    rows += [f"moving average of the weights ({config.ema:g})"] if config.ema else []
    rows += [f"a share of {config.flat_crops:.3g} of the crops is one colour"] if config.flat_crops else []
    rows += ["networks computed in bfloat16"] if config.precision == "bfloat16" else []
    if any(stage.is_gan for stage in config.stages):
        rows += _of_the_game(config)
    return list(dict.fromkeys(rows))


def _differing(config, name, wanted):
    value = getattr(config, name)
    return [f"{name} {value} instead of {wanted}"] if value != wanted else []


def _of_network(config):
    yield from _differing(config, "blocks", 16)
    yield from _differing(config, "channels", 64)
    if config.network != "srresnet":
        yield f"network {config.network}"
    if not config.batch_norm:
        yield "no batch normalisation"
    if not config.long_skip:
        yield "no long skip connection"


def _of_stage(stage, config):
    paper = PAPER["srgan" if stage.is_gan or stage.content.startswith("vgg") else "srresnet"]
    where = f"{stage.name}: " if len(config.stages) > 1 else ""
    if stage.updates < paper:
        yield f"{where}{stage.updates:,} updates instead of {paper:,}"
    if stage.annealing == "cosine" or stage.learning_rate != 1e-4:
        falls = " falling along a cosine" if stage.annealing == "cosine" else ""
        yield f"{where}learning rate {stage.learning_rate:g}{falls} instead of 1e-4"
    if stage.warm_up:
        yield f"{where}the learning rate rises over the first {stage.warm_up} updates"
    if stage.annealing == "steps" and (stage.drop_at, stage.drop) not in (((), 0.1), _halved(stage, paper)):
        yield f"{where}learning rate times {stage.drop:g} from updates {list(stage.drop_at)} on"
    if stage.is_gan and stage.discriminator_rate is not None:
        yield f"{where}the discriminator's own learning rate, {stage.discriminator_rate:g}, never changes"
    if stage.content not in CONTENT:
        name = "of one's own" if stage.content == "own" else stage.content
        yield f"{where}content loss {name}"
    if stage.adversarial not in (0, 1e-3) and not config.adversarial_balance:
        yield f"{where}adversarial weight {stage.adversarial:g} instead of 1e-3"
    if stage.total_variation != (2e-8 if _is_srresnet_vgg(stage) else 0):
        yield f"{where}total variation with weight {stage.total_variation:g}"
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


def _halved(stage, paper):
    """How the paper lowers the rate of a stage of SRGAN: once, in its middle."""
    return ((stage.updates // 2,), 0.1) if paper == PAPER["srgan"] else ((), 0.1)


def _is_srresnet_vgg(stage):
    return stage.content.startswith("vgg") and not stage.is_gan


def _of_the_game(config):
    if config.discriminator == "features":
        layers = ", ".join(f"{layer[0]},{layer[1]}" for layer in config.discriminator_layers)
        yield f"a discriminator on VGG19's features (phi {layers}) instead of Figure 4's"
    if config.discriminator == "own":
        yield "a discriminator of one's own instead of Figure 4's"
    if config.joint_batch and config.discriminator != "features":
        yield "the discriminator sees real and generated crops in one batch"
    if config.adversarial_balance:
        yield (
            f"the adversarial term's gradient is kept at {config.adversarial_balance:g} times the content"
            " loss's, instead of a weight of 1e-3"
        )
