//! The pages name no command and no option that is not there: every command line of this program in
//! them is parsed by the program's own parser.

use clap::Parser;
use clap::error::ErrorKind;
use dongbo_proto::states::State;
use dongbo_proto::words::Lang;
use dongbo_server::cli::args::Cli;
use dongbo_server::cli::context::words;

const OPERATING: &str = include_str!("../../../docs/OPERATING.md");
const README: &str = include_str!("../../../../README.md");
/// An id where a page has a word in capitals for one.
const ACT: &str = "00000000000000aa:1";
const RECORD: &str = "0198a6f2-0c4e-7a51-8b1d-5f0c9a4e7d21";
/// What the parser says of a line that only lacks something.
const UNFINISHED: [ErrorKind; 3] = [
    ErrorKind::MissingRequiredArgument,
    ErrorKind::MissingSubcommand,
    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
];

/// The words of a command line as a shell would cut it, up to what the shell does with the rest.
fn cut(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '>' | '&' | ';' | ')') => break,
            (None, ' ') => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Every command line of a text that begins with the program's name.
fn lines(text: &str) -> Vec<Vec<String>> {
    let starts = text.match_indices("dongbo-server ").map(|(at, _)| &text[at..]);
    let ends = |rest: &&str| rest.find(['\n', '`', '*']).unwrap_or(rest.len());
    starts.map(|rest| cut(&rest[..ends(&rest)])).collect()
}

fn is_understood(line: &[String]) -> Result<(), String> {
    let given = line.iter().map(|word| match word.as_str() {
        "ACT" => ACT.to_owned(),
        "$ID" => RECORD.to_owned(),
        word if word.starts_with('$') => "placeholder".to_owned(),
        word => word.to_owned(),
    });
    match Cli::try_parse_from(given) {
        // Prose names a command without saying all that it needs.
        Err(e) if UNFINISHED.contains(&e.kind()) => Ok(()),
        Err(e) => Err(format!("{line:?}: {e}")),
        Ok(_) => Ok(()),
    }
}

#[test]
fn every_command_line_of_the_pages_is_understood() {
    let all: Vec<_> = [OPERATING, README].into_iter().flat_map(lines).collect();
    assert!(all.len() > 25, "{}", all.len());
    let wrong: Vec<_> = all.iter().filter_map(|line| is_understood(line).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_way_out_names_commands_that_are_there() {
    let mut seen = 0;
    for lang in [Lang::Vi, Lang::En] {
        let words = words(lang);
        for state in State::ALL {
            for line in lines(&words.get(state.way_out())) {
                // A way out may name a command in the middle of a sentence: its first words count.
                let line: Vec<String> =
                    line.iter().map(|w| w.trim_end_matches(['.', ',', ':']).to_owned()).collect();
                let understood = (2..=line.len()).any(|end| is_understood(&line[..end]).is_ok());
                assert!(understood, "{line:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}
