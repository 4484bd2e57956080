//! Where programs work: a directory of their own and one that all share.

use super::dice::Dice;

/// The paths of one program.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    own: String,
    /// How many in a thousand choices fall on the shared directory.
    sharing: u64,
}

/// Files and directories below a program's own directory and below the shared one. `b` and `bb`
/// tell a directory from a name that only begins like it.
const FILES: &[&str] = &["a", "b/c", "b/d/e", "bb/c"];
const DIRECTORIES: &[&str] = &["", "/b", "/b/d", "/bb"];
const KEYS: &[&str] = &["Å n", "b//c", "b/?q=1&r#s"];
/// What the keys in directories begin with that only one program works in.
pub(super) const OWN: &str = "own";
const SHARED: &str = "/shared";

impl Paths {
    pub(super) fn of_task(task: u32, sharing: u64) -> Self {
        Self { own: format!("/{OWN}{task}"), sharing }
    }

    /// Whether only this program writes there.
    pub(super) fn is_own(&self, path: &str) -> bool {
        path.starts_with(&self.own)
    }

    fn top(&self, dice: &mut Dice) -> &str {
        if dice.happens(self.sharing) { SHARED } else { &self.own }
    }

    pub(super) fn file(&self, dice: &mut Dice) -> String {
        let top = self.top(dice);
        format!("{top}/{}", dice.pick(FILES))
    }

    pub(super) fn directory(&self, dice: &mut Dice) -> String {
        let top = self.top(dice);
        format!("{top}{}", dice.pick(DIRECTORIES))
    }

    /// A directory and files to fill it with.
    pub(super) fn full(&self, dice: &mut Dice) -> (String, Vec<String>) {
        let top = self.top(dice);
        (top.to_owned(), FILES.iter().map(|file| format!("{top}/{file}")).collect())
    }

    /// A file or a directory.
    pub(super) fn any(&self, dice: &mut Dice) -> String {
        if dice.happens(600) { self.file(dice) } else { self.directory(dice) }
    }

    /// A key that no path can name.
    pub(super) fn key(&self, dice: &mut Dice) -> String {
        let top = self.top(dice);
        format!("{}/{}", &top[1..], dice.pick(KEYS))
    }
}
