package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// summaryMark begins every summary. Markdown does not show it.
const summaryMark = "<!-- pgrelocate -->\n"

// mostRows bounds a table: what shows a summary has a limit of its own, GitHub that of 1 MiB.
const mostRows = 500

// isSummary tells whether a file is a summary of ours.
func isSummary(body []byte) bool { return bytes.HasPrefix(body, []byte(summaryMark)) }

func claimSummary(opts Options) error {
	if opts.AppendSummary {
		return nil // it is the CI system's own file
	}
	return claim("summary", opts.Summary, isSummary)
}

// writeSummary replaces the summary of the run before, or adds to that of other steps.
func writeSummary(all []*outcome) error {
	texts := make([]string, len(all))
	for i, o := range all {
		texts[i] = summary(o)
	}
	text, opts := strings.Join(texts, "\n"), all[0].Options
	if opts.Summary == "" || !opts.AppendSummary {
		return write("summary", opts.Summary, isSummary, func() ([]byte, error) { return []byte(text), nil })
	}
	if err := appendTo(opts.Summary, []byte(text+"\n")); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	return nil
}

// summary is the run in Markdown. What comes from elsewhere stands in code spans, where nothing of
// it has a meaning.
func summary(o *outcome) string {
	var b strings.Builder
	b.WriteString(summaryMark)
	fmt.Fprintf(&b, "## pgrelocate %s: %s\n\n", o.Command, o.verdict())
	if o.unnamed() {
		fmt.Fprintf(&b, "%s\n\n", code(o.text))
		if o.hint != "" {
			fmt.Fprintf(&b, "Hint: %s\n\n", code(o.hint))
		}
	}
	b.WriteString("| | |\n|---|---|\n")
	for _, figure := range o.figures() {
		fmt.Fprintf(&b, "| %s | %s |\n", figure[0], figure[1])
	}
	table(&b, "### What is wrong", o.bad())
	if len(o.Items) > len(o.bad()) {
		fmt.Fprintf(&b, "\n<details><summary>All %d</summary>\n", len(o.Items))
		table(&b, "", o.Items)
		b.WriteString("\n</details>\n")
	}
	return b.String()
}

// verdict is the run in a word or two.
func (o *outcome) verdict() string {
	for _, meaning := range exit.Meanings() {
		if meaning.Code == o.code {
			return fmt.Sprintf("%s (exit code %d)", meaning.Name, o.code)
		}
	}
	return fmt.Sprintf("exit code %d", o.code)
}

// figures are the rows of the first table.
func (o *outcome) figures() [][2]string {
	rows := [][2]string{{"product", code(o.Product)}}
	if o.Registry != "" {
		rows = append(rows, [2]string{"registry", code(o.Registry)})
	}
	for _, result := range o.results() {
		rows = append(rows, [2]string{result, fmt.Sprint(o.count(result))})
	}
	if o.Drift != nil {
		rows = append(rows, [2]string{"drift", fmt.Sprint(*o.Drift)})
	}
	if o.MovedBytes != nil {
		rows = append(rows, [2]string{"moved", output.Bytes(*o.MovedBytes)})
	}
	for _, x := range o.expiries {
		rows = append(rows, [2]string{fmt.Sprintf("login to the %s", x.side), fmt.Sprintf("%s, seems to expire %s", code(x.host), x.at.UTC().Format("2006-01-02 15:04 MST"))})
	}
	return append(rows,
		[2]string{"retries", fmt.Sprint(o.retries())},
		[2]string{"began", o.started.UTC().Format(time.DateTime) + " UTC"},
		[2]string{"took", output.Duration(o.took())},
		[2]string{"pgrelocate", code(o.Version)})
}

// table lists items, a row each.
func table(b *strings.Builder, title string, items []Item) {
	if len(items) == 0 {
		return
	}
	if title != "" {
		b.WriteString("\n" + title + "\n")
	}
	b.WriteString("\n| | result | |\n|---|---|---|\n")
	for i, item := range items {
		if i == mostRows {
			fmt.Fprintf(b, "| and %d more | | |\n", len(items)-i)
			return
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", code(item.Name), item.Result, code(item.Reason))
	}
}

// longestCode is enough of an error for a table.
const longestCode = 600

// escapeBar keeps bars from ending a cell. A backslash before one would escape our own instead.
var escapeBar = strings.NewReplacer(`\|`, `\ \|`, "|", `\|`)

// code is text that means nothing to Markdown, in a table or elsewhere: a code span on one line, in
// more backticks than stand in the text, and with bars that end no cell. Empty text is empty.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	if runes := []rune(text); len(runes) > longestCode {
		text = string(runes[:longestCode]) + "…"
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + escapeBar.Replace(text) + fence
}

// firstLine is the first line of a text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
