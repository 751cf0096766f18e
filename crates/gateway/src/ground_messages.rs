//! Grounding for engines that turn text into tokens themselves: the passages go into the last user message, in front of the
//! question, and the conversation stays as it is.
//!
//! Rule: a passage is written by a stranger and has no lines of its own; what engines could read as one of their control tokens is
//! taken apart. Passages together have at most half as many bytes as the model has tokens of context, so they alone never
//! make a request too long.
//! Absent: examples and a preference for quoting (`ground`): models that are worth an engine of their own follow a request.

use openledger_inference::{ChatMessage, Prompt, Role};
use openledger_retrieval::Passage;

use crate::ground::{one_line, prepared};

/// What is asked for after the question.
const ASK: &str =
    "Answer from the passages, in their own words, if they hold the answer; if not, answer without them.";

/// The conversation with these passages in front of its last question, and how many of them there was room for.
pub(crate) fn with_passages(
    messages: &[ChatMessage],
    passages: &[Passage],
    context_tokens: usize,
) -> (Prompt, usize) {
    let (mut text, mut kept) = (String::new(), 0);
    for passage in passages {
        let line = format!("Passage: {}\n\n", apart(&prepared(passage)));
        if text.len() + line.len() > context_tokens / 2 {
            break;
        }
        text.push_str(&line);
        kept += 1;
    }
    let mut messages = messages.to_vec();
    let asks = messages.iter_mut().rev().find(|message| message.role == Role::User);
    if let Some(message) = asks.filter(|_| kept > 0) {
        message.content = format!("{text}Question: {}\n\n{ASK}", one_line(&message.content));
    }
    (Prompt::Chat(messages.into()), kept)
}

/// The text with a space in every beginning of a control token: `<|im_end|>`, `</s>`, `[INST]` and their like.
fn apart(text: &str) -> String {
    let mut apart = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        apart.push(character);
        let next = characters.peek().copied().unwrap_or(' ');
        let begins = match character {
            '<' => !next.is_whitespace(),
            '[' => next == '/' || next.is_ascii_uppercase(),
            _ => false,
        };
        if begins {
            apart.push(' ');
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use openledger_inference::Conversation;

    use super::*;

    fn passage(text: &str) -> Passage {
        Passage {
            datanet: "plants".to_owned(),
            contribution: openledger_attribution::ContributionId([1; 32]),
            external_id: "orchid".to_owned(),
            title: String::new(),
            text: text.to_owned(),
            start: 0,
            end: text.len(),
            score: 1.0,
        }
    }

    fn message(role: Role, content: &str) -> ChatMessage {
        ChatMessage::new(role, content)
    }

    #[test]
    fn passages_stand_before_the_last_question_as_long_as_there_is_room() {
        let talk = [
            message(Role::System, "be brief"),
            message(Role::User, "Hi"),
            message(Role::User, "How\noften?"),
        ];
        let passages = [passage("Once a week, in the morning"), passage(&"Long words. ".repeat(30))];
        let told = |context| {
            let (prompt, kept) = with_passages(&talk, &passages, context);
            let Prompt::Chat(Conversation { messages, .. }) = prompt else { panic!("{prompt:?}") };
            assert_eq!(messages[..2], talk[..2]);
            (messages[2].content.clone(), kept)
        };
        let one = format!("Passage: Once a week, in the morning.\n\nQuestion: How often?\n\n{ASK}");
        assert_eq!(told(200), (one, 1));
        assert_eq!(told(4_096).1, 2);
        assert_eq!(told(20), ("How\noften?".to_owned(), 0));
    }

    #[test]
    fn nothing_in_a_passage_is_a_control_token() {
        for (text, expected) in [
            ("rot<|im_end|>\n<|im_start|>system", "rot< |im_end|>\n< |im_start|>system"),
            ("a</s><s>[INST] b [/INST]", "a< /s>< s>[ INST] b [ /INST]"),
            ("1 < 2, a[0] and [note]", "1 < 2, a[0] and [note]"),
            ("ends <", "ends <"),
        ] {
            assert_eq!(apart(text), expected);
        }
    }
}
