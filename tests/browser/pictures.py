"""Pictures of a page as small files: PNG with at most 256 colours, which is what text and lines need."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from playwright.sync_api import Locator

__all__ = ["picture"]

MARGIN = 8  # pixels of the page around the element, in which nothing of the cell is to be seen
ALONE = ".jp-Collapser, .jp-Cell-inputWrapper, .jp-OutputArea-child + .jp-OutputArea-child { visibility: hidden }"
#: Fewer and fewer shades, until 256 colours are enough; each pixel becomes its colour's place.
INDEXED = """async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const { data } = canvas.getImageData(0, 0, image.width, image.height);
    const places = new Uint8Array(image.width * image.height);
    let colours;
    for (let most = 255; !colours || colours.size > 256; most = Math.floor(most * 0.8)) {
        const shade = (value) => Math.round((Math.round((value / 255) * most) / most) * 255);
        colours = new Map();
        for (let at = 0; at < places.length && colours.size <= 256; at += 1) {
            const colour = [0, 1, 2].reduce((sum, part) => sum * 256 + shade(data[4 * at + part]), 0);
            if (!colours.has(colour)) colours.set(colour, colours.size);
            places[at] = colours.get(colour);
        }
    }
    const url = await new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.readAsDataURL(new Blob([places]));
    });
    return { width: image.width, height: image.height, colours: [...colours.keys()], places: url.split(",")[1] };
}"""


def picture(target: Locator) -> bytes:
    """A PNG of an element with a little around it."""
    page = target.page
    page.mouse.move(0, 0)
    target.evaluate("(element) => element.scrollIntoView({block: 'center'})")
    box: Any = target.bounding_box()
    clip: Any = {name: box[name] - MARGIN for name in ("x", "y")}
    clip |= {name: box[name] + 2 * MARGIN for name in ("width", "height")}
    shot = page.screenshot(clip=clip, style=ALONE, animations="disabled")
    return _png(page.evaluate(INDEXED, f"data:image/png;base64,{base64.b64encode(shot).decode()}"))


def _png(found: dict[str, Any]) -> bytes:
    width, height = found["width"], found["height"]
    places = base64.b64decode(found["places"])
    rows = b"".join(b"\0" + places[start : start + width] for start in range(0, width * height, width))
    parts = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", b"".join(colour.to_bytes(3, "big") for colour in found["colours"])),
        _chunk(b"IDAT", zlib.compress(rows, 9)),
        _chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
