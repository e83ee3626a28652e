"""What ``srgan report`` does."""

from pathlib import Path

from srgan_lib.errors import SrganError


def report(options):
    """Measure what is asked for, then write the report and print its tables."""
    from srgan_lib import evaluation, measuring
    from srgan_lib.opinion import saved
    from srgan_lib.report import content, files, text

    _check(options)
    opinions = saved.read(options.opinions) if options.opinions else None
    place = Path(options.record or evaluation.RECORD)
    if options.measure:
        _measure(options, place, evaluation.read(place).record if place.exists() else None)
    record = evaluation.read(place)
    if options.images and not options.measure:
        record = evaluation.Evaluation(
            measuring.measure_images(record.record, dict(options.images), options.sets)
        )
    made = content.make(record, opinions)
    written = files.write(made, options.out) if options.out else []  # first: a pager may leave early
    print("\n".join([text.text(made), "", *map(str, written)]).rstrip())
    return 0


def _check(options):
    """Mistakes are found before anything is measured."""
    if (options.again or options.device) and not options.measure:
        raise SrganError("--again and --device are for measuring; add --measure")
    if options.sets and not (options.measure or options.images):
        raise SrganError("--sets is for measuring; add --measure, or --images NAME=FOLDER")
    names = [name.lower() for name, _ in options.images]
    for name, folder in options.images:
        if names.count(name.lower()) > 1:
            raise SrganError(f"--images {name} is given twice; one folder a name")
        if "{set}" not in folder and not Path(folder).is_dir():
            raise SrganError(f"{folder}: no such folder; name the folder of your result images")


def _measure(options, place, record):
    from srgan_lib import evaluation, measuring

    settings = {"sets": options.sets, "images": dict(options.images), "again": options.again}
    measuring.measure(
        record, device=options.device, save=lambda new: evaluation.write(new, place), **settings
    )
