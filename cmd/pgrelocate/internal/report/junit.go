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
	Suites   []suite  `xml:"testsuite"`
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

// junit is a suite for each run. The whole took as long as the longest.
func junit(all []*outcome) ([]byte, error) {
	made := suites{Name: "pgrelocate " + all[0].Command}
	var took time.Duration
	for _, o := range all {
		s := suiteOf(o)
		made.Suites = append(made.Suites, s)
		made.Tests, made.Failures, made.Errors, made.Skipped = made.Tests+s.Tests, made.Failures+s.Failures, made.Errors+s.Errors, made.Skipped+s.Skipped
		took = max(took, o.took())
	}
	made.Time = fmt.Sprintf("%.3f", took.Seconds())
	body, err := xml.MarshalIndent(made, "", "  ")
	return append([]byte(xml.Header), append(body, '\n')...), err
}

// suiteOf is a test for each item, and one for the run as a whole, which fails for what no item says.
func suiteOf(o *outcome) suite {
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
	return s
}
