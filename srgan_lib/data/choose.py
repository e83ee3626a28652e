"""From the word a user types for data to a list of photos."""

from pathlib import Path

from srgan_lib.data.downloads import get
from srgan_lib.data.sources import bundled_photos, folder_of_pairs, folder_of_photos, held_out_photos

BUNDLED = {"bundled": bundled_photos, "held-out": held_out_photos}


def photos_of(data, lr_data=None):
    """The photos that ``data`` names: "bundled", "held-out", a folder, or a data set to fetch (DIV2K).

    With ``lr_data``, a second folder, they are pairs. Raises ``SrganError`` when nothing is found.
    """
    if data in BUNDLED:
        return BUNDLED[data]()
    folder = Path(data).expanduser()
    if not folder.exists() and len(folder.parts) == 1:
        folder = get(data)
    return folder_of_pairs(folder, lr_data) if lr_data else folder_of_photos(folder)
