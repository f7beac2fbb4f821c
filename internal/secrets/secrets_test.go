package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
)

// A letter whose cases differ in length, and bytes that are no text, hide nothing from us.
func TestHideInAnyText(t *testing.T) {
	for _, tt := range []struct{ secret, text, want string }{
		{"hunter2", "İ HUNTER2", "İ ***"},
		{"pass\x80word", "error: PASS\x80word", "error: ***"},
		{"Wörd7", "WörD7", "***"},
	} {
		var s Set
		s.Add(tt.secret)
		if got := s.Hide(tt.text); got != tt.want {
			t.Errorf("Hide(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// The longest is hidden first, and what is too short not at all.
func TestHide(t *testing.T) {
	var s Set
	s.Add("pass", "Ym9iOnBhc3M=")
	s.Add("passport", "x", "")
	if got, want := s.Hide("passport PASS Ym9iOnBhc3M= x"), "*** *** *** x"; got != want {
		t.Errorf("Hide() = %q, want %q", got, want)
	}
}

// Every form in which a registry or an error of ours may repeat a secret is known.
func TestForms(t *testing.T) {
	const password = `p&ss "wörd"/+<\`
	var s Set
	s.Add(Of(authn.AuthConfig{Username: "bob", Password: password})...)
	inJSON, err := json.Marshal(password)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := json.Marshal(string(inJSON))
	if err != nil {
		t.Fatal(err)
	}
	pair := "bob:" + password
	for _, form := range []string{
		password, url.QueryEscape(password), url.PathEscape(password), fmt.Sprintf("%q", password), fmt.Sprintf("%q", fmt.Sprintf("%q", password)),
		string(inJSON), string(twice), strings.ToUpper(url.QueryEscape(password)),
		base64.StdEncoding.EncodeToString([]byte(password)), base64.RawURLEncoding.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte(pair)), url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(pair))),
		base64.RawURLEncoding.EncodeToString([]byte(pair)),
	} {
		if got := s.Hide("<" + form + ">"); strings.Contains(strings.ToLower(got), "ss") || !strings.Contains(got, hidden) {
			t.Errorf("Hide(%q) = %q", form, got)
		}
	}
}

// A short secret may be a word of a product's name, which a result must not alter.
func TestHideAlone(t *testing.T) {
	var s Set
	s.Add("postgres", "not-so-short-a-secret")
	text := `{"target":"r.example.com/tanzu-sql-postgres/postgres:17","error":"bad password postgres (not-so-short-a-secret.example.com)"}`
	want := `{"target":"r.example.com/tanzu-sql-postgres/postgres:17","error":"bad password *** (***.example.com)"}`
	if got := s.HideAlone(text); got != want {
		t.Errorf("HideAlone() = %s, want %s", got, want)
	}
	if got, want := s.Hide("tanzu-sql-postgres"), "tanzu-sql-***"; got != want {
		t.Errorf("Hide() = %q, want %q", got, want)
	}
}

func TestWriter(t *testing.T) {
	var s Set
	var out bytes.Buffer
	w := s.Writer(&out)
	s.Add("hunter2") // learned later
	if n, err := fmt.Fprintln(w, "error: hunter2"); err != nil || n != len("error: hunter2\n") || out.String() != "error: ***\n" {
		t.Errorf("Write() = %d, %v and %q", n, err, out.String())
	}
}

// Hiding goes through a text once for each form, whatever stands in it.
func FuzzHide(f *testing.F) {
	f.Add("hunter2", "error: HUNTER2 İ hunter2")
	f.Add("\x00\x00\x80", "error: \x00\x00\x80")
	f.Fuzz(func(t *testing.T, secret, text string) {
		if len(secret) < shortest || strings.Contains(secret, "*") {
			return // what is not hidden, and what joins with what stands in its place
		}
		var s Set
		s.Add(secret)
		for _, part := range strings.Split(s.Hide(text), hidden) {
			if strings.Contains(part, secret) {
				t.Errorf("Hide(%q) = %q holds %q", text, s.Hide(text), secret)
			}
		}
	})
}

// Whoever repeats a secret chooses what to escape of it, and how often.
func TestHideEscaped(t *testing.T) {
	const secret = `pa&ss<w/o"rd+=Zq9~é`
	var s Set
	s.Add(secret)
	all := func(format string) string {
		var b strings.Builder
		for _, r := range secret {
			fmt.Fprintf(&b, format, r)
		}
		return b.String()
	}
	tests := map[string]string{
		"address, slashes left":  `pa%26ss%3Cw/o%22rd%2B%3DZq9~%C3%A9`,
		"address, every byte":    strings.ToUpper(strings.ReplaceAll(fmt.Sprintf("% x", secret), " ", "%")),
		"address, twice":         url.QueryEscape(url.QueryEscape(secret)),
		"address, thrice":        url.QueryEscape(url.QueryEscape(url.QueryEscape(secret))),
		"address in JSON":        strconv.Quote(`pa%26ss<w/o"rd%2b=Zq9~%c3%a9`),
		"JSON, every character":  all(`\u%04x`),
		"JSON, slashes":          `pa\u0026ss\u003cw\/o\"rd+=Zq9~\u00e9`,
		"JSON twice":             `pa\\u0026ss\\u003cw/o\\\"rd+=Zq9~é`,
		"HTML":                   `pa&amp;ss&lt;w/o&quot;rd+=Zq9~&eacute;`,
		"HTML, every character":  all("&#%d;"),
		"HTML, in hexadecimal":   all("&#x%X;"),
		"hexadecimal":            fmt.Sprintf("%X", secret),
		"in the midst of others": `100% \ & pa&amp;ss%3Cw/o"rd+=Zq9~é`,
	}
	for name, text := range tests {
		if name == "address, every byte" {
			text = "%" + text
		}
		got := s.Hide("saw " + text + " here, 100%")
		if want := "saw *** here, 100%"; got != want && name != "in the midst of others" && name != "address in JSON" {
			t.Errorf("%s: Hide(%q) = %q, want %q", name, text, got, want)
		}
		if strings.Contains(got, "Zq9") {
			t.Errorf("%s: Hide(%q) = %q, want it hidden", name, text, got)
		}
	}
	for _, text := range []string{"100% of \\ and &amp; or %zz \\u12 &#x; %", "%", "\\", "&"} {
		if got := s.Hide(text); got != text {
			t.Errorf("Hide(%q) = %q, want it unchanged", text, got)
		}
	}
}

// A password may hold what looks like an escape, which whoever repeats it escapes, or does not.
func TestHideWhatLooksEscaped(t *testing.T) {
	for _, secret := range []string{`Zq9"%20x`, `a\u0041&amp;Zq9"`, `%2525Zq9<`} {
		var s Set
		s.Add(secret)
		for _, text := range []string{secret, strconv.Quote(secret), url.QueryEscape(secret), html.EscapeString(secret), url.PathEscape(strconv.Quote(secret))} {
			if got := s.Hide("saw " + text); strings.Contains(got, "Zq9") {
				t.Errorf("Hide(%q) = %q, want %q hidden", text, got, secret)
			}
		}
	}
}
