package postgres

import (
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
)

// available is the matrix of v4.3.1, in no order.
var available = []Version{{13, 20}, {17, 5}, {13, 21}, {14, 17}, {16, 9}, {14, 18}, {15, 12}, {17, 4}, {15, 13}, {16, 8}, {17, 5}}

func TestExpressionMatch(t *testing.T) {
	tests := []struct {
		in   string
		want string // the versions, or the error
	}{
		{"", "17.5 17.4 16.9 16.8 15.13 15.12 14.18 14.17 13.21 13.20"},
		{"all", "17.5 17.4 16.9 16.8 15.13 15.12 14.18 14.17 13.21 13.20"},
		{"latest", "17.5 16.9 15.13 14.18 13.21"},
		{"17.5,16.9", "17.5 16.9"},
		{"16.9, 17.5 ,16.9", "17.5 16.9"},
		{"17", "17.5"},
		{"16,17", "17.5 16.9"},
		{"latest,16.8", "17.5 16.9 16.8 15.13 14.18 13.21"},
		{">=16", "17.5 17.4 16.9 16.8"},
		{">16", "17.5 17.4"},
		{"<=14", "14.18 14.17 13.21 13.20"},
		{"<14", "13.21 13.20"},
		{">=14 <17", "16.9 16.8 15.13 15.12 14.18 14.17"},
		{">= 14  < 17", "16.9 16.8 15.13 15.12 14.18 14.17"},
		{">=16.9", "17.5 17.4 16.9"},
		{">16.8 <17.5", "17.4 16.9"},
		{"<=16.8 >15.12", "16.8 15.13"},
		{"<14, >=17", "17.5 17.4 13.21 13.20"},
		{">=14 <15, 17", "17.5 14.18 14.17"},

		{"17.6", "17.6 is not in v4.3.1; it has 17.5, 17.4"},
		{"17.5,14.99", "14.99 is not in v4.3.1; it has 14.18, 14.17"},
		{"18", "18 is not in v4.3.1; it has 17, 16, 15, 14, 13"},
		{"18.1", "18.1 is not in v4.3.1; it has 17.5, 17.4, 16.9, 16.8, 15.13, 15.12, 14.18, 14.17, 13.21, 13.20"},
		{">=18", ">=18 is not in v4.3.1; it has 17.5, 17.4, 16.9, 16.8, 15.13, 15.12, 14.18, 14.17, 13.21, 13.20"},
		{">17.5 <18", `">17.5 <18" is not in v4.3.1; it has 17.5, 17.4, 16.9, 16.8, 15.13, 15.12, 14.18, 14.17, 13.21, 13.20`},
	}
	for _, tt := range tests {
		e, err := ParseExpression(tt.in)
		if err != nil {
			t.Errorf("ParseExpression(%q) = %v, want no error", tt.in, err)
			continue
		}
		got, err := e.Match(available, "in v4.3.1")
		if joined := strings.Join(texts(got), " ") + errortest.Message(err); joined != tt.want {
			t.Errorf("Match(%q) = %s, want %s", tt.in, joined, tt.want)
		}
	}
}

func TestExpressionMatchesNothingOfNothing(t *testing.T) {
	e, _ := ParseExpression("latest")
	if _, err := e.Match(nil, "in v9.9.9"); errortest.Message(err) != "latest is not in v9.9.9" {
		t.Errorf("Match(latest) of no versions = %q, want latest is not in v9.9.9", errortest.Message(err))
	}
	if got, err := (Expression{}).Match(nil, "in v9.9.9"); err != nil || len(got) != 0 {
		t.Errorf("Match(all) of no versions = %v, %v, want none and no error", got, err)
	}
}

func TestParseExpressionRefuses(t *testing.T) {
	const help = `write 17.5, 17, ">=14 <17", latest or all`
	tests := []struct{ in, want string }{
		{"17.5,", `versions "17.5,": there is nothing between two commas`},
		{",", `versions ",": there is nothing between two commas`},
		{"lastest", "versions lastest: lastest selects nothing; did you mean latest? " + help},
		{"seventeen", "versions seventeen: seventeen selects nothing; " + help},
		{"17.5 16.9", `versions "17.5 16.9": "17.5 16.9" selects nothing; ` + help},
		{"0", "versions 0: 0 selects nothing; " + help},
		{"-17", "versions -17: -17 selects nothing; " + help},
		{"+17", "versions +17: +17 selects nothing; " + help},
		{"17.", "versions 17.: 17. selects nothing; " + help},
		{"99999999999999999999", "versions 99999999999999999999: 99999999999999999999 selects nothing; " + help},
		{">=", `versions >=: >= is no bound; write ">=14 <17"`},
		{">=14<17", `versions >=14<17: >=14<17 is no bound; write ">=14 <17"`},
		{">=14 17", `versions ">=14 17": 17 is no bound; write ">=14 <17"`},
		{"=>14", "versions =>14: =>14 selects nothing; " + help},
		{">=14,<17", `versions ">=14,<17": with a comma >=14 and <17 select everything; write ">=14 <17" for what both allow`},
		{"<17,13.20,>=14", `versions "<17,13.20,>=14": with a comma >=14 and <17 select everything; write ">=14 <17" for what both allow`},
		{strings.Repeat("1", 5000), "versions: longer than 4096 characters"},
	}
	for _, tt := range tests {
		if _, err := ParseExpression(tt.in); errortest.Message(err) != tt.want {
			t.Errorf("ParseExpression(%.40q) = %q, want %q", tt.in, errortest.Message(err), tt.want)
		}
	}
}

func TestExpressionText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "all"},
		{" all ", "all"},
		{"17.5, 16", "17.5,16"},
		{">= 14  <17.2,latest", ">=14 <17.2,latest"},
		{"v17.5,v16", "17.5,16"},
	}
	for _, tt := range tests {
		var e Expression
		if err := e.UnmarshalText([]byte(tt.in)); err != nil {
			t.Fatalf("UnmarshalText(%q) = %v, want no error", tt.in, err)
		}
		if got, _ := e.MarshalText(); string(got) != tt.want {
			t.Errorf("MarshalText of %q = %s, want %s", tt.in, got, tt.want)
		}
	}
	var e Expression
	if err := e.UnmarshalText([]byte("x")); err == nil {
		t.Error("UnmarshalText(x) = nil, want an error")
	}
}

func FuzzParseExpression(f *testing.F) {
	for _, seed := range []string{"", "all", "latest", "17.5,16.9", ">=14 <17", ">= 14", "<14,>=17", "17.6", ",", ">=14,<17", "١٧"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		e, err := ParseExpression(in)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x1b\n\r") {
				t.Errorf("ParseExpression(%q) = %q: a terminal would act on that", in, err)
			}
			return
		}
		again, err := ParseExpression(e.String())
		if err != nil || again.String() != e.String() {
			t.Fatalf("ParseExpression(%q) = %v, %v, want %s as it was read from %q", e.String(), again, err, e, in)
		}
		matched, err := e.Match(available, "in v4.3.1")
		if err == nil && len(matched) == 0 {
			t.Errorf("Match(%q) = nothing and no error", in)
		}
		for i := 1; i < len(matched); i++ {
			if matched[i-1].Compare(matched[i]) <= 0 {
				t.Errorf("Match(%q) = %v, want newest first and each once", in, matched)
			}
		}
	})
}
