"""A WordPiece vocabulary of the user's own texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.encoders.load import library

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MIN_COUNT = 2  # a piece seen once teaches nothing


def train(texts: Sequence[str], size: int, max_tokens: int) -> Any:
    """A tokenizer of BERT's form: Chinese by characters, other scripts by pieces of words, the commonest kept.

    The same texts give the same vocabulary. Raises EncoderUnavailable: the package is not installed.
    """
    transformers = library()
    from tokenizers import Tokenizer as Pieces
    from tokenizers import normalizers, pre_tokenizers, trainers
    from tokenizers.models import WordPiece

    pieces: Any = Pieces(WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # The trainer numbers what follows a word's first character in an order of chance, which decides between pieces that
    # are equally common; numbered beforehand, as if they were marks, they are the same each time.
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=MIN_COUNT, special_tokens=[*MARKS, *_following(pieces, texts)],
        limit_alphabet=size // 2, show_progress=False,
    )  # fmt: skip
    pieces.train_from_iterator(texts, trainer)
    words = sorted(pieces.get_vocab(), key=lambda word: (word not in MARKS, pieces.token_to_id(word)))
    return transformers.BertTokenizer(vocab={word: n for n, word in enumerate(words)}, model_max_length=max_tokens)


def _following(pieces: Any, texts: Sequence[str]) -> list[str]:
    """The characters that words go on with, the commonest first, each at least as often as a piece has to be."""
    counts: Counter[str] = Counter()
    for text in texts:
        for word, _ in pieces.pre_tokenizer.pre_tokenize_str(pieces.normalizer.normalize_str(text)):
            counts.update(word[1:])
    kept = [(-n, character) for character, n in counts.items() if n >= MIN_COUNT]
    return [f"##{character}" for _, character in sorted(kept)]
