"""Bytes to text: which encoding, and whether it is text at all.

Bytes come in, a `str` goes out with every line end as it was and without its BOM.  A BOM decides; else strict
UTF-8; else the candidates of this trade (GB18030, Big5, UTF-16 without a BOM, Windows-1252) are decoded
strictly and compared by how much the result looks like Chinese or English.  General detectors weigh dozens
of scripts and need more text than a title has; two languages and five codecs are told apart by a few
characters.
"""

from __future__ import annotations

import codecs
import io
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from bitext.errors import ReadError
from bitext.formats._origin import Extracted, Origin

STANDARD_INPUT = "-"

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16 LE, whose BOM it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CANDIDATES = ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be", "cp1252")
_SAMPLE = 1 << 18  # bytes looked at to tell an encoding
_PLAUSIBLE = 0.3  # mean weight below which a decoding is not text

_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (a DOCX, XLSX or EPUB file is one)"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (.doc, .xls)"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
)

# the most frequent characters of running Chinese, both scripts: they settle what few characters leave open
_FREQUENT = frozenset(
    "的一是不了在人有我他这这個个们们中来上大为和国國地到以说說时時要就出会會可也你对對生能而子那得于於着著下自之年过過发發后後"
    "作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開"
    "但因只从從想实實日军軍者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外将將两兩高间間由问問很最重"
    "并物手应應战戰向头頭文体體政美相见見被利什二等产產或新己制身果加西斯月话話合回特代内內信表化老给給世位次度门門任常先海通教"
    "儿兒东東声聲提立及比员員解水名真论論处處走义義各入几幾口认認条條平系气氣题題活尔爾更别別打女变變四神总總何电電数數安少报報"
    "才结結反受目太量再感建务務做接必场場件计計管期市直德资資命山金指克许許统統区區保至队隊形社便空决決治展马馬科司五基眼书書非"
    "则則听聽白却卻界达達光放强強即像难難且权權思王象完设設式色路记記南品住告类類求据據程北边邊死张張该該交规規万萬取拉格望觉覺"
    "术術领領共确確传傳师師观觀清今切院让讓识識候带帶导導争爭运運"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HIGH = re.compile(r"[^\x00-\x7f]+")
_TYPOGRAPHIC = frozenset("‘’“”–—…•·«»€£©®™°±×½¼¾§¶")


def read_plain(path: str | Path, *, encoding: str | None = None) -> Extracted:
    """Read a plain-text file; the text is the decoded file itself."""
    data = read_bytes(path)
    text = decode(data, encoding=encoding, path=shown(path))
    return Extracted(text, shown(path), "text", None, Origin.of_text(text))


def decode(data: bytes, *, encoding: str | None = None, path: str = "<bytes>") -> str:
    """Decode bytes to text without its BOM, keeping line ends as they are.

    Parameters
    ----------
    data : bytes
    encoding : str, optional
        Name of a Python text codec; ``None`` detects it.
    path : str
        Named in error messages.

    Raises
    ------
    ReadError
        If the bytes are not text, do not fit `encoding`, or no encoding of Chinese or English fits them.
    """
    codec = find_encoding(data, encoding=encoding, path=path)
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        raise _misfit(data, codec, error.start, path) from error
    _require_text(text[:_SAMPLE], path)
    return text.removeprefix("\ufeff")


def find_encoding(
    data: bytes, *, encoding: str | None = None, path: str = "<bytes>", partial: bool = False
) -> str:
    """Return the codec for `data`; with `partial` the bytes may end inside a character.

    Raises
    ------
    ReadError
        If the bytes are not text, `encoding` is not a codec, or no codec fits.
    """
    _require_no_magic(data, path)
    if encoding is not None:
        return _known_codec(encoding, path)
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return codec
    if b"\0" not in data[:_SAMPLE] and _decodes(data, "utf-8", partial=partial):
        return "utf-8"
    best = _most_plausible(data[:_SAMPLE], partial=partial or len(data) > _SAMPLE)
    if best is not None:
        return best
    if b"\0" in data[:_SAMPLE]:
        raise _binary(path, "it holds NUL bytes")
    raise ReadError(
        f"{path}: not UTF-8, and no encoding of Chinese or English text fits; expected UTF-8, GB18030, Big5 "
        "or UTF-16. Name the encoding with --encoding (encoding= in Python), or save the file as UTF-8."
    )


def read_bytes(path: str | Path) -> bytes:
    """Return the bytes of a file, or of standard input for ``"-"``.

    Raises
    ------
    ReadError
        If there is no such file, it is a directory, or the system does not let it be read.
    """
    if str(path) == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unreadable(path, error) from error


@contextmanager
def open_text(path: str | Path, *, encoding: str | None = None) -> Iterator[TextIO]:
    """Open a file, or standard input, as a stream of decoded text: line ends as they are, without the BOM.

    The encoding is told from the first 256 KiB.  A byte that does not fit further on raises ReadError where
    it is met, inside the ``with`` block.
    """
    name = shown(path)
    try:
        binary = sys.stdin.buffer if str(path) == STANDARD_INPUT else open(path, "rb")  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    with nullcontext() if binary is sys.stdin.buffer else binary:
        head = binary.read(_SAMPLE)
        codec = find_encoding(head, encoding=encoding, path=name, partial=len(head) == _SAMPLE)
        n_skipped = next(
            (len(bom) for bom, its_codec in _BOMS if its_codec == codec and head.startswith(bom)), 0
        )
        replayed = _Replay(head, binary, n_skipped)
        try:
            yield io.TextIOWrapper(cast(BinaryIO, replayed), encoding=codec, newline="")
        except UnicodeDecodeError as error:
            at = replayed.position - len(error.object) + error.start
            byte = error.object[error.start]
            raise ReadError(
                f"{name}: byte 0x{byte:02x} at byte offset {at} does not fit {_printed(codec)}; "
                "expected the encoding of its beginning. Name another with --encoding, or save it as UTF-8."
            ) from error


class _Replay(io.BufferedIOBase):
    """A binary stream whose first bytes were already read; counts what it hands out."""

    def __init__(self, head: bytes, rest: BinaryIO, start: int) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest
        self.position = self._head.seek(start)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size >= 0:
            return self.read1(size)
        data = self._head.read() + self._rest.read()
        self.position += len(data)
        return data

    def read1(self, size: int = -1, /) -> bytes:
        data = self._head.read(size) or self._rest.read(size)
        self.position += len(data)
        return data


def shown(path: str | Path) -> str:
    """Return the name of `path` for messages."""
    return "<stdin>" if str(path) == STANDARD_INPUT else str(path)


def unreadable(path: str | Path, error: Exception) -> ReadError:
    """Return the error for a file that the system does not let us read."""
    name = shown(path)
    if isinstance(error, FileNotFoundError):
        return ReadError(f"{name}: no such file; expected a file to read. Check the path.")
    if isinstance(error, IsADirectoryError):
        return ReadError(f"{name}: is a directory; expected a file. Name a file inside it.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ReadError(
        f"{name}: cannot be read ({reason}); expected a readable file. Check its name and permissions."
    )


def _require_no_magic(data: bytes, path: str) -> None:
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise _binary(path, f"it is {what}")


def _require_text(sample: str, path: str) -> None:
    if "\0" in sample:
        raise _binary(path, "it holds NUL characters")
    n_controls = len(_CONTROLS.findall(sample))
    if n_controls > max(2, len(sample) // 50):
        raise _binary(path, f"{n_controls} of its first {len(sample)} characters are control characters")


def _binary(path: str, fact: str) -> ReadError:
    return ReadError(
        f"{path}: not a text file ({fact}); expected text. Convert it to text, "
        "or give it the suffix of a format that bitext reads (.docx, .xlsx, .html, .md, …)."
    )


def _known_codec(encoding: str, path: str) -> str:
    try:
        b" ".decode(encoding, errors="ignore")  # says whether it is a codec for text
        return codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:  # ValueError: a NUL in the name
        raise ReadError(
            f"{path}: {encoding!r} is not an encoding that Python knows; expected a name such as utf-8, "
            "gb18030, big5 or utf-16. Leave it out to have it detected."
        ) from error


def _misfit(data: bytes, codec: str, at: int, path: str) -> ReadError:
    """Return the error for bytes that do not fit the encoding they were said to be in."""
    try:
        detected = find_encoding(data, path=path)
    except ReadError:
        detected = codec
    if detected == codec:
        hint = "Name another encoding, or save the file as UTF-8."
    else:
        hint = (
            f"It looks like {_printed(detected)}: name that, or leave the encoding out to have it detected."
        )
    return ReadError(
        f"{path}: byte 0x{data[at]:02x} at byte offset {at} does not fit {_printed(codec)}; "
        f"expected that encoding. {hint}"
    )


def _printed(codec: str) -> str:
    return {"big5hkscs": "big5", "cp1252": "windows-1252"}.get(codec, codec)


def _decodes(data: bytes, codec: str, *, partial: bool) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(data, final=not partial)
    except UnicodeDecodeError:
        return False
    return True


def _most_plausible(sample: bytes, *, partial: bool) -> str | None:
    best, best_weight = None, _PLAUSIBLE
    for codec in _CANDIDATES:
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample, final=not partial)
        except UnicodeDecodeError:
            continue
        if codec == "cp1252":
            weight = _plausibility_latin(text)
        else:
            weight = _plausibility(text, ascii_tells=codec.startswith("utf-16"))
        if weight > best_weight:
            best, best_weight = codec, weight
    return best


def _plausibility(text: str, *, ascii_tells: bool) -> float:
    """Mean weight of the characters that tell encodings apart, in [-4, 2]; higher is more like text.

    ASCII tells nothing where it is the same in every candidate; in UTF-16, `ascii_tells`, it is a good sign.
    """
    counts = Counter(text)
    if not ascii_tells:
        counts = Counter({c: n for c, n in counts.items() if c > "\x7f" or _CONTROLS.match(c)})
    total = sum(counts.values())
    return sum(_weight(c) * n for c, n in counts.items()) / total if total else 1.0


def _plausibility_latin(text: str) -> float:
    """As above, for Windows-1252, which decodes nearly everything: high bytes must be few and apart."""
    runs = [match.group() for match in _HIGH.finditer(text)]
    n_high = sum(map(len, runs))
    if not runs or n_high > 0.1 * len(text) or _CONTROLS.search(text):
        return -1.0
    n_alone = sum(run in _TYPOGRAPHIC or (len(run) == 1 and run.isalpha()) for run in runs)
    return 1.5 * n_alone / n_high - (n_high - n_alone) / n_high


@lru_cache(maxsize=1 << 14)
def _weight(character: str) -> float:
    if character in _FREQUENT:
        return 2.0
    if character <= "\x7f":
        return -4.0 if _CONTROLS.match(character) else 1.0
    if "\u3001" <= character <= "\u3011" or "\uff01" <= character <= "\uff5e" or character in _TYPOGRAPHIC:
        return 1.0
    if "\u4e00" <= character <= "\u9fff":
        return 1.0 if _is_common(character) else -0.5
    category = unicodedata.category(character)
    return -4.0 if category in ("Co", "Cn", "Cc", "Cs") else -1.0


def _is_common(character: str) -> bool:
    """Whether GB 2312 or Big5 has the character in its first level, the few thousand in daily use."""
    for codec, low, high in (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)):
        try:
            if low <= character.encode(codec)[0] <= high:
                return True
        except UnicodeEncodeError:
            continue
    return False
