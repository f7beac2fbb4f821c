// Package report tells machines how a run of the program went: an event a line while it runs, and
// at its end metrics for Prometheus, a summary in Markdown and JUnit's XML. Open begins a Run,
// whose methods are told what happens, and Finish writes the files.
//
// A file that is there is replaced only where it is one of ours. What is written goes through
// Options.Hide. A report that cannot be written never hides what the run itself came to: see
// exit.ReportError.
package report
