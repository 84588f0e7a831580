"""The errors bitext raises.

::

    BitextError(ValueError)
    ├── ReadError            a file that cannot be read: missing, empty, binary, wrong encoding, broken syntax
    ├── SpanError            segments that would lose, repeat or reorder characters
    ├── LanguageError        a text in a language other than the one expected
    ├── EmbeddingError       an encoder that is not there, does not load, or returns something other than unit vectors
    ├── AlignmentError       beads that do not cover the documents, or inputs that cannot be aligned
    ├── TermbaseError        a termbase that is malformed
    ├── ConfigError          a configuration, baseline or revision that `bitext check` cannot work with
    ├── FluencyError         the language model that judges fluency is not there, or is another one
    ├── QualityDataError     figures asked for on data that cannot give them (`bitext eval`)
    └── MissingExtraError    an optional package that is not installed; the message names the extra

One root, so that ``except BitextError`` catches everything the library says on purpose.  Every message states
the fact with its values, what was expected, and what to do.
"""


class BitextError(ValueError):
    """Root of every error raised by bitext."""


class ReadError(BitextError):
    """A file could not be read as what it should be."""


class SpanError(BitextError):
    """Spans do not tile the text they segment."""


class LanguageError(BitextError):
    """A text is not in the language it was said to be in."""


class EmbeddingError(BitextError):
    """An encoder is missing, does not load, or breaks the `Embedder` contract."""


class AlignmentError(BitextError):
    """Beads or inputs of an alignment are inconsistent."""


class TermbaseError(BitextError):
    """A termbase row or entry is malformed."""


class ConfigError(BitextError):
    """What `bitext check` was told to work with is wrong: configuration, baseline, git revision."""


class FluencyError(BitextError):
    """The language model that judges fluency is missing, or not the one that the weights were fitted with."""


class QualityDataError(BitextError):
    """Evaluation data are missing what a figure needs."""


class MissingExtraError(BitextError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {module!r}, which is not installed. "
            f"Install it with: pip install 'bitext[{extra}]'"
        )
        self.module = module
        self.extra = extra

    def __reduce__(
        self,
    ) -> tuple[type[BitextError], tuple[str]]:  # errors cross process boundaries in `engine`
        return (BitextError, (str(self),))
