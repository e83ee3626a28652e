"""The examples that ``srgan COMMAND --help`` ends with."""

TRAIN = """
examples:
  srgan train                                   two minutes on a laptop, photos included
  srgan train --preset colab --data my-photos   a short run for a free Colab GPU (T4)
  srgan train --preset paper --data DIV2K       the paper's settings: a strong GPU
  srgan train --out runs/tiny --resume          go on where a run was stopped
  torchrun --nproc-per-node 8 -m srgan_lib train --preset paper --data DIV2K

A run can be stopped at any time with Ctrl-C: it saves first. Its folder holds the trained weights
(STAGE.safetensors), the record of the run, previews, and what TensorBoard shows
(tensorboard --logdir runs). Then: srgan upscale photo.jpg --model runs/tiny
"""

UPSCALE = """
examples:
  srgan upscale photo.jpg                       writes photo_x4.png beside it
  srgan upscale photo.jpg -o big.png
  srgan upscale holiday/ -o large/              every photo of a folder
  srgan upscale photo.jpg --model srresnet-mse  smoother, but true to the pixel
  srgan upscale photo.jpg --model runs/tiny     a model that you trained

Any size works; a file that cannot be read is named and left out, and the exit code is then 1. A file that is
there already is replaced only with --overwrite. 16 bits a channel stay 16 bits in .png and .tif.
"""

EVALUATE = """
examples:
  srgan evaluate                                nearest, bicubic and the shipped models
  srgan evaluate --model srgan-vgg54 --sets set5 set14 --paper SRGAN-VGG54
  srgan evaluate --model runs/tiny --model bicubic --sets set5
  srgan evaluate --images my-results            FOLDER/Set5/NAME.png or FOLDER/NAME.png
  srgan evaluate --save table.md --save table.json

Measured as in the paper: Y channel, 4 pixels removed from each border, daala's SSIM.
"""

EXPORT = """
examples:
  srgan export onnx srgan-vgg54                 writes srgan-vgg54.onnx
  srgan export onnx runs/tiny -o tiny.onnx --weights float16
  srgan export onnx srresnet-mse --towards srgan-vgg54 --t 0.5 -o half.onnx

The file takes images of any size: input "lr", (1, 3, h, w) in [0, 1]; output "sr", (1, 3, 4h, 4w) in about
[-1, 1]. Needs two packages: pip install onnx onnxscript
"""

DATA = """
examples:
  srgan data                                    what there is, and what is on this machine
  srgan data get set5 set14 bsd100              the paper's test sets, 35 MB
  srgan data get div2k                          photos to train on, 3.5 GB

Looked for in data/ here, in $SRGAN_DATA and in the user's cache; downloads go to the first that exists.
"""

CHECKPOINT = """
examples:
  srgan checkpoint split runs/paper --size 15M --out parts
  srgan checkpoint join parts --out runs/paper
  srgan checkpoint split runs/paper --out parts --without checkpoints

A run in parts passes where large files cannot. The parts and the whole are checked by their hashes; what is
joined goes on as the run that was split: srgan train --out runs/paper --resume
"""

COURSEWORK = """
examples:
  srgan coursework --edition student --out students/             every chapter, solutions removed
  srgan coursework --edition student --out week1/ why-mse-blurs  one chapter
  srgan coursework --edition solved --out solved/

Made from the book's notebooks, so run it in a clone of the book's repository, or name the folder with --book.
A solution goes, its check stays: the cell fails until the exercise is solved.
"""

REPRODUCE = """
examples:
  srgan reproduce --data my-photos --minutes 25 --out runs/all
  srgan reproduce --data my-photos --out runs/all --time-limit 9m
  srgan reproduce --data DIV2K --updates 540000 --out runs/all --only srresnet-mse srgan-vgg54

The budget is planned once, from updates/s measured here, and kept in plan.json; the second example goes on
with it. What is finished lies in runs/all/models: weights, record, model card.
"""

RATE = """
examples:
  srgan rate plan my-photos --raters ada ben eve --out test
  srgan rate analyse test
  srgan rate simulate test

The opinion test of the paper's section 3.3: each rater gets a page, scores every version of every image from
1 to 5 without knowing the method, and sends a CSV file back. srgan rate ACTION --help explains each step.
"""

RATE_PLAN = """
examples:
  srgan rate plan --raters 3 --out test         two bundled photos, all methods that are here
  srgan rate plan my-photos --crop 400 --raters ada ben eve --out test
  srgan rate plan set5 --methods bicubic SelfExSR=results/ mine=runs/tiny HR --raters 8 --out test
  srgan rate plan bsd100 --raters 26 --examples 20 --beside --out paper

The folder holds pages/RATER.html, one for each rater, README.txt with what to do, and plan.json with the
key: keep that from the raters. A page works without a network; over 150 MB it needs --beside, --crop, or
fewer photos.
"""

RATE_ANALYSE = """
examples:
  srgan rate analyse test                       the files in test/ratings
  srgan rate analyse test ada.csv ben.csv --save result.json --save figure-5.png
  srgan rate analyse test --least 80 --unit rater --format markdown

Only complete raters count, unless --least says otherwise; of two scores for one item the first counts. Decide
both, and the unit, before you look. A line that cannot be used is named on stderr and left out.
"""

RATE_SIMULATE = """
examples:
  srgan rate simulate test
  srgan rate simulate test --quality nearest=1.2 bicubic=1.9 SRGAN-VGG54=3.6 HR=4.4 --seed 1
  srgan rate analyse test test/simulated

Simulated raters are sums of random numbers. They show how an analysis behaves when the truth is known, and
say nothing about pictures; each line of their files, and every result made from them, is marked as simulated.
"""

REPORT = """
examples:
  srgan report                                  both tables, from the record that comes with the library
  srgan report --out report/                    report.html, report.md and three CSV files
  srgan report --images SelfExSR=results --out report/
  srgan report --opinions result.json --out report/
  srgan report --measure --record mine.json     measure on the test sets that are on this machine

A number of ours belongs to the weights it was measured with: when others are shipped, the report says "not
measured" until --measure has run. What it has measured it keeps, so it can be stopped and goes on.
"""
