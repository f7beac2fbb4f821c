// Package exit decides what the process ends with. Commands return errors; Code turns
// an error into an exit code, Hint into the line that says what a user can do.
package exit

// The exit codes of the program. Scripts rely on them: a number never changes its meaning.
const (
	OK           = 0
	Failure      = 1
	Usage        = 2
	Partial      = 3
	Unauthorized = 4
	Verification = 5
	Drift        = 6
	Unreported   = 7
	Interrupted  = 130
)

// Meaning documents one exit code.
type Meaning struct {
	Code int
	Name string
	// Text is one sentence for users.
	Text string
}

// Meanings lists every exit code, in ascending order. docs/exit-codes.md is made from it.
func Meanings() []Meaning {
	return []Meaning{
		{OK, "success", "Everything that was asked for is done, or was done already."},
		{Failure, "failure", "Something went wrong that no other code describes; the message says what."},
		{Usage, "usage", "The command line, the environment, the config file or the kubeconfig is wrong; nothing was changed."},
		{Partial, "some artifacts failed", "The rest is at the target; the failures are listed with their reasons. Running the same command again carries on. Of what only looks, as verify, versions, report and prune do, it could not be found out of some. A registry that does not answer at all counts as well: that is so of all of them then. The image of self push is an artifact too. A command whose result is worth nothing in part (diff, receipt, render, values, versions --discover), and one that deals with no artifacts (login, secret), ends with 1 in all these cases."},
		{Unauthorized, "authentication refused", "A registry refused the credentials (401) or does not allow what was asked (403). The message names the side."},
		{Verification, "verification failed", "A check found something that does not resolve or does not match, or a bundle that is corrupt (a file that is none counts as that), truncated, incomplete or not signed as it should be, or artifacts without the signature or the age that was asked for: these were not copied, and the others were."},
		{Drift, "drift", "What a lock or a reviewed plan names is something else now, at the source or at the target: that is left alone, the message names both digests, and the rest is done. With --locked nothing is done, and another selection counts too. diff ends with it where the two sides differ."},
		{Unreported, "report not written", "All that was asked for is done, but a file that --events, --metrics, --summary, --junit or --status names could not be written. Where the run failed too, its own code stands."},
		{Interrupted, "interrupted", "Ctrl-C or a signal stopped the run. Running the same command again carries on."},
	}
}
