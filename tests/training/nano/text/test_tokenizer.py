from training.nano.text.tokenizer import (
    REGISTERS,
    as_chat,
    build_tokenizer,
    byte_vocabulary,
    extend_merges,
    train_merges,
    training_pieces,
)


def test_the_chat_template_ends_with_the_registers():
    tokenizer = build_tokenizer(byte_vocabulary(), [])
    message = [{"role": "user", "content": "  A Fox\n"}]
    text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True, enable_thinking=True)
    assert text == as_chat("a fox") == as_chat(" A FOX ")
    tokens = tokenizer.tokenize(text)
    assert tuple(tokens[-len(REGISTERS) :]) == REGISTERS
    assert tokens[0] == "<|im_start|>"


def test_every_text_survives_a_round_trip():
    tokenizer = build_tokenizer(byte_vocabulary(), [])
    text = " 狐狸 on a 蓝色 background 🦊"
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_merges_never_bind_chinese_characters_unless_named():
    captions = ["一只狐狸", "两只狐狸", "狐狸图标", "fox", "a fox"] * 20
    vocab, merges = train_merges(training_pieces(captions, ["图标"]), 400)
    tokenizer = build_tokenizer(vocab, merges)
    pieces = [tokenizer.decode([i]) for i in tokenizer(" 狐狸图标 fox").input_ids]
    assert pieces == [" ", "狐", "狸", "图标", " fox"]


def test_a_larger_vocabulary_keeps_numbers_and_merges():
    vocab, merges = train_merges(["a fox a fox a fox"], 260)
    grown, more = extend_merges(vocab, merges, ["harbour harbour harbour foxes"], 275)
    assert len(grown) == 275
    assert {token: grown[token] for token in vocab} == vocab
    assert more[: len(merges)] == merges
    tokenizer = build_tokenizer(grown, more)
    assert "harbour" in tokenizer.tokenize("harbour")
    assert tokenizer.tokenize(" fox") == build_tokenizer(vocab, merges).tokenize(" fox")
