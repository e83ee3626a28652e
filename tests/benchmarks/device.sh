# Sourced at the start of every command on the lent machine: packages it lacks, what was carried, paths.
export PYTHONPATH=/tmp/site:$PWD PYTHONUNBUFFERED=1 TORCHINDUCTOR_CACHE_DIR=/tmp/inductor
if [ ! -d /tmp/site ]; then
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target /tmp/site .gpu/wheels/*.whl
fi
mkdir -p /tmp/data
for load in .gpu/[0-9]*; do
    if [ -d "$load" ]; then cp -r "$load/." /tmp/data; fi
done
if [ -e /tmp/data/vgg19/unpack.py ] && [ ! -e /tmp/vgg19.safetensors ]; then
    python3 /tmp/data/vgg19/unpack.py /tmp/vgg19.safetensors
fi
