"""Calls of tools with the unmodified `openai` package: asked for, streamed, answered in a second turn."""

import json

import openai
import pytest

QUESTION = [{"role": "user", "content": "How is the weather in Oslo?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "strict": True,
        "parameters": {
            "type": "object", "required": ["city"], "additionalProperties": False,
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}, "days": {"type": "integer"}},
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture()
def client(tool_network):
    return openai.OpenAI(base_url=tool_network.url + "/v1", api_key=tool_network.key, max_retries=0)


@pytest.fixture()
def model(client):
    return client.models.list().data[0].id


def check_call(call):
    assert call.type == "function" and call.id.startswith("call_")
    arguments = json.loads(call.function.arguments)
    if call.function.name == "weather":
        assert arguments["city"] in ("Oslo", "Rome") and set(arguments) <= {"city", "days"}
    else:
        assert call.function.name == "clock" and isinstance(arguments, dict)


def test_required_calls_and_their_answers(client, model):
    arguments = {"model": model, "messages": QUESTION, "tools": [WEATHER, CLOCK], "max_tokens": 200, "temperature": 0}
    first = client.chat.completions.create(**arguments, tool_choice="required", parallel_tool_calls=False)
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    (call,) = choice.message.tool_calls
    check_call(call)
    answer = {"role": "tool", "tool_call_id": call.id, "content": "Rain, 4 degrees."}
    turns = {**arguments, "messages": [*QUESTION, choice.message, answer], "max_tokens": 24}
    second = client.chat.completions.create(**turns, tool_choice="none").choices[0]
    assert second.message.content.strip() and not second.message.tool_calls
    text = ""
    for chunk in client.chat.completions.create(**turns, tool_choice="none", stream=True):
        text += chunk.choices[0].delta.content or ""
    assert text == second.message.content


def test_a_stream_tells_the_same_call_in_pieces(client, model):
    chosen = {"type": "function", "function": {"name": "weather"}}
    arguments = {
        "model": model, "messages": QUESTION, "tools": [WEATHER], "tool_choice": chosen, "max_tokens": 200,
        "temperature": 0,
    }
    (whole,) = client.chat.completions.create(**arguments).choices[0].message.tool_calls
    check_call(whole)
    pieces, name, content, finish = [], None, "", None
    for chunk in client.chat.completions.create(**arguments, stream=True):
        delta = chunk.choices[0].delta
        content += delta.content or ""
        finish = chunk.choices[0].finish_reason or finish
        for call in delta.tool_calls or []:
            assert call.index == 0
            name = name or call.function.name
            assert (call.id is None) == bool(pieces)
            pieces.append(call.function.arguments)
    assert (name, content, finish) == ("weather", "", "tool_calls")
    assert len(pieces) > 3 and "".join(pieces) == whole.function.arguments
    # The package's own helper puts the pieces together.
    with client.chat.completions.stream(**arguments) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.finish_reason == "tool_calls" and final.message.tool_calls[0].function.arguments == whole.function.arguments
    assert final.message.tool_calls[0].function.parsed_arguments["city"] in ("Oslo", "Rome")


def test_tools_that_may_be_called(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, tools=[WEATHER, CLOCK], max_tokens=60, temperature=0,
    ).choices[0]
    assert answer.message.content or answer.message.tool_calls
    for call in answer.message.tool_calls or []:
        if answer.finish_reason == "tool_calls":
            check_call(call)


def test_a_model_without_a_place_for_tools_says_so(network):
    client = openai.OpenAI(base_url=network.url + "/v1", api_key=network.key, max_retries=0)
    ask = {"model": "smollm2-135m-instruct", "messages": QUESTION, "max_tokens": 8}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**ask, tools=[WEATHER])
    assert caught.value.param == "tools" and "no place for tools" in caught.value.body["message"]
    # Tools that may not be called change nothing.
    answer = client.chat.completions.create(**ask, tools=[WEATHER], tool_choice="none")
    assert answer.choices[0].message.content.strip()
