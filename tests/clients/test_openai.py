"""The unmodified `openai` package against a local network: chat, streams, usage, cost, receipts, errors."""

import json
import time

import openai
import pytest

MODEL = "smollm2-135m-instruct"
EMBEDDINGS = "wordllama"
QUESTION = [{"role": "user", "content": "How do I turn on bounce keys?"}]


@pytest.fixture()
def client(network):
    return openai.OpenAI(base_url=network.url + "/v1", api_key=network.key, max_retries=0)


def test_models_are_listed(client):
    assert MODEL in [model.id for model in client.models.list().data]
    assert client.models.retrieve(MODEL).id == MODEL


def test_a_plain_answer_has_usage_cost_and_a_receipt(client):
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=120)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content.strip()
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert float(answer.usage.model_extra["cost"]) > 0
    assert answer.model_extra["receipt"]["id"]


def test_a_stream_delivers_the_same_answer_in_pieces(client):
    whole = client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=120, temperature=0)
    pieces, finish, receipt, usage = [], None, None, None
    for chunk in client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_tokens=120, temperature=0, stream=True,
        stream_options={"include_usage": True},
    ):
        if chunk.usage:
            usage = chunk.usage
        if chunk.choices:
            pieces.append(chunk.choices[0].delta.content or "")
            finish = chunk.choices[0].finish_reason or finish
            receipt = (chunk.model_extra or {}).get("receipt") or receipt
    assert len(pieces) > 3
    assert "".join(pieces) == whole.choices[0].message.content
    assert finish == whole.choices[0].finish_reason
    assert receipt["id"]
    assert usage.completion_tokens == whole.usage.completion_tokens


def test_ordinary_stream_code_does_not_break(client):
    # What most programs do: no look at usage, no guard against empty choices.
    text = ""
    for chunk in client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=40, stream=True):
        text += chunk.choices[0].delta.content or ""
    assert text.strip()


def test_the_receipt_is_in_the_header_and_can_be_fetched_and_verified(client, network, tmp_path):
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION, max_tokens=60)
    receipt_id = raw.headers["x-receipt-id"]
    assert raw.parse().model_extra["receipt"]["id"] == receipt_id
    path = tmp_path / "receipt.json"
    deadline = time.monotonic() + 30
    while True:
        network.openledger("receipt", "fetch", receipt_id, "--out", str(path), "--key", network.key)
        if "inclusion" in json.loads(path.read_text()):
            break
        assert time.monotonic() < deadline, "the receipt was not settled within 30 seconds"
        time.sleep(0.5)
    verified = network.openledger("--json", "receipt", "verify", str(path), "--network", str(network.folder / "network.json"))
    assert json.loads(verified.stdout)["ok"] is True
    path.write_bytes(path.read_bytes().replace(b'"inclusion"', b'"inclusioN"', 1))
    refused = network.openledger("receipt", "verify", str(path), check=False)
    assert refused.returncode != 0


def test_likelihoods_are_told_in_the_shape_of_the_package(client):
    whole = client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_tokens=24, temperature=0, logprobs=True, top_logprobs=3,
    )
    content = whole.choices[0].logprobs.content
    assert content and len(content) <= whole.usage.completion_tokens
    for token in content:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        assert token.logprob <= token.top_logprobs[0].logprob
    text = b"".join(bytes(token.bytes) for token in content).decode(errors="replace")
    assert whole.choices[0].message.content.strip() in text
    streamed = []
    for chunk in client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_tokens=24, temperature=0, logprobs=True, top_logprobs=3, stream=True,
    ):
        if chunk.choices and chunk.choices[0].logprobs:
            streamed += chunk.choices[0].logprobs.content
    assert [(token.token, token.logprob) for token in streamed] == [(token.token, token.logprob) for token in content]


def test_a_text_is_continued_whole_and_as_a_stream(client):
    arguments = {"model": MODEL, "prompt": "The capital of France is", "max_tokens": 12, "temperature": 0}
    whole = client.completions.create(**arguments, logprobs=2)
    choice = whole.choices[0]
    assert whole.object == "text_completion" and choice.text and choice.finish_reason in ("stop", "length")
    assert choice.logprobs.text_offset[0] == 0
    assert len(choice.logprobs.tokens) == len(choice.logprobs.token_logprobs) == len(choice.logprobs.top_logprobs)
    assert "".join(choice.logprobs.tokens).startswith(choice.text)
    assert whole.model_extra["receipt"]["id"]
    streamed = "".join(chunk.choices[0].text for chunk in client.completions.create(**arguments, stream=True))
    assert streamed == choice.text


def test_json_follows_its_schema(client):
    schema = {
        "type": "object", "additionalProperties": False, "required": ["colour", "count"],
        "properties": {"colour": {"enum": ["red", "green"]}, "count": {"type": "integer"}},
    }
    described = {"type": "json_schema", "json_schema": {"name": "thing", "strict": True, "schema": schema}}
    messages = [{"role": "user", "content": "A colour and a count, as JSON."}]
    answer = client.chat.completions.create(
        model=MODEL, messages=messages, max_tokens=200, temperature=0, response_format=described,
    )
    assert answer.choices[0].finish_reason == "stop"
    value = json.loads(answer.choices[0].message.content)
    assert value["colour"] in ("red", "green") and isinstance(value["count"], int) and len(value) == 2
    free = client.chat.completions.create(
        model=MODEL, messages=messages, max_tokens=200, temperature=0, response_format={"type": "json_object"},
    )
    if free.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(free.choices[0].message.content), dict)
    other = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "a"}}}
    refused = error_of(lambda: client.chat.completions.create(model=MODEL, messages=messages, response_format=other))
    assert refused.param == "response_format" and "pattern" in refused.body["message"]


def test_embeddings_come_in_the_form_that_the_package_asks_for(client):
    # The package asks for base64 unless a form is named, and turns it into numbers.
    made = client.embeddings.create(model=EMBEDDINGS, input=["hello world", "a dog barks", "the hound barks"])
    assert made.object == "list" and [item.index for item in made.data] == [0, 1, 2]
    vectors = [item.embedding for item in made.data]
    assert all(len(vector) == 256 for vector in vectors)
    assert made.usage.total_tokens == made.usage.prompt_tokens > 0
    assert float(made.usage.model_extra["cost"]) > 0 and made.model_extra["receipt"]["id"]
    near = lambda left, right: sum(a * b for a, b in zip(left, right))
    assert abs(near(vectors[0], vectors[0]) - 1) < 1e-5
    assert near(vectors[1], vectors[2]) > near(vectors[0], vectors[1])
    told = client.embeddings.create(model=EMBEDDINGS, input="hello world", encoding_format="float", user="someone")
    assert told.data[0].embedding == pytest.approx(vectors[0], abs=1e-7)
    short = client.embeddings.create(model=EMBEDDINGS, input="hello world", dimensions=64)
    assert len(short.data[0].embedding) == 64
    raw = client.embeddings.with_raw_response.create(model=EMBEDDINGS, input=[22172, 3186])
    assert raw.headers["x-receipt-id"] == raw.parse().model_extra["receipt"]["id"]
    assert raw.parse().data[0].embedding == pytest.approx(vectors[0], abs=1e-7)
    assert client.models.retrieve(EMBEDDINGS).model_extra["type"] == "embedding"
    for arguments, param in [({"input": ""}, "input"), ({"input": "a", "dimensions": 65}, "dimensions")]:
        refused = error_of(lambda: client.embeddings.create(model=EMBEDDINGS, **arguments))
        assert isinstance(refused, openai.BadRequestError) and refused.param == param
    wrong = error_of(lambda: client.embeddings.create(model=MODEL, input="a"))
    assert isinstance(wrong, openai.BadRequestError) and wrong.param == "model"


def error_of(call) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        call()
    return caught.value


def test_errors_are_openai_shaped(client, network):
    create = client.chat.completions.create
    unknown = error_of(lambda: create(model="gpt-17", messages=QUESTION))
    assert isinstance(unknown, openai.NotFoundError) and unknown.code == "model_not_found"
    empty = error_of(lambda: create(model=MODEL, messages=[]))
    assert isinstance(empty, openai.BadRequestError)
    blank = error_of(lambda: create(model=MODEL, messages=[{"role": "user", "content": ""}]))
    assert isinstance(blank, openai.BadRequestError)
    long = error_of(lambda: create(model=MODEL, messages=[{"role": "user", "content": "word " * 20_000}]))
    assert isinstance(long, openai.BadRequestError) and long.code == "context_length_exceeded"
    hot = error_of(lambda: create(model=MODEL, messages=QUESTION, temperature=-1))
    assert isinstance(hot, openai.BadRequestError) and hot.param == "temperature"
    many = error_of(lambda: create(model=MODEL, messages=QUESTION, n=1_000_000))
    assert isinstance(many, openai.BadRequestError) and many.param == "n"
    wrong = openai.OpenAI(base_url=network.url + "/v1", api_key="sk-ol-" + "0" * 64, max_retries=0)
    refused = error_of(lambda: wrong.chat.completions.create(model=MODEL, messages=QUESTION))
    assert isinstance(refused, openai.AuthenticationError)
    for error in (unknown, empty, blank, long, hot, many, refused):
        assert error.body["message"] and error.body["type"], error


def test_an_exhausted_budget_is_a_402_that_says_what_to_do(network):
    created = network.openledger("--json", "keys", "api", "--deposit", "0.001", "--as", "consumer")
    poor = openai.OpenAI(base_url=network.url + "/v1", api_key=json.loads(created.stdout)["key"], max_retries=0)
    error = error_of(lambda: poor.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=200))
    assert error.status_code == 402
    assert "deposit" in error.body["message"] or "top up" in error.body["message"].lower()
