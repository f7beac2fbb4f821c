package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"
)

// isJUnit tells whether a file is a report of ours.
func isJUnit(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(body, []byte(xml.Header)), []byte(`<testsuites name="pgrelocate `))
}

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Time     string   `xml:"time,attr"`
	Suite    suite    `xml:"testsuite"`
}

type suite struct {
	Name       string     `xml:"name,attr"`
	Tests      int        `xml:"tests,attr"`
	Failures   int        `xml:"failures,attr"`
	Errors     int        `xml:"errors,attr"`
	Skipped    int        `xml:"skipped,attr"`
	Time       string     `xml:"time,attr"`
	Timestamp  string     `xml:"timestamp,attr"`
	Properties []property `xml:"properties>property"`
	Cases      []testCase `xml:"testcase"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *failure `xml:"failure"`
	Error   *failure `xml:"error"`
	Skipped *failure `xml:"skipped"`
}

type failure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// junit is a test for each item, and one for the run as a whole, which fails for what no item says.
func junit(o *outcome) ([]byte, error) {
	seconds := fmt.Sprintf("%.3f", o.took().Seconds())
	s := suite{
		Name: o.Command + " " + o.Registry, Time: seconds, Timestamp: o.started.UTC().Format(time.RFC3339),
		Properties: []property{{"pgrelocate.version", o.Version}, {"product", o.Product}, {"exitCode", fmt.Sprint(o.code)}},
	}
	whole := testCase{Class: "pgrelocate", Name: o.Command, Time: seconds}
	if o.unnamed() {
		whole.Error = &failure{Message: firstLine(o.text), Type: fmt.Sprintf("exit code %d", o.code), Text: o.text + "\n" + o.hint}
		s.Errors++
	}
	s.Cases = append(s.Cases, whole)
	for _, item := range o.Items {
		test := testCase{Class: item.Kind, Name: item.Name, Time: "0"}
		switch {
		case item.Bad:
			test.Failure = &failure{Message: firstLine(item.Reason), Type: item.Result, Text: item.Reason}
			s.Failures++
		case item.Skipped:
			test.Skipped = &failure{Message: firstLine(item.Reason)}
			s.Skipped++
		}
		s.Cases = append(s.Cases, test)
	}
	s.Tests = len(s.Cases)
	body, err := xml.MarshalIndent(suites{
		Name: "pgrelocate " + o.Command, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Skipped: s.Skipped, Time: seconds, Suite: s,
	}, "", "  ")
	return append([]byte(xml.Header), append(body, '\n')...), err
}
