package postgres

import (
	"encoding/json"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
)

func TestParseVersion(t *testing.T) {
	tests := []struct {
		in   string
		want Version
		bad  string
	}{
		{in: "17.5", want: Version{17, 5}},
		{in: "9.6", want: Version{9, 6}},
		{in: "17.10", want: Version{17, 10}},
		{in: "18.0", want: Version{18, 0}},
		{in: "17", bad: "17 is no PostgreSQL version; write it as 17.5"},
		{in: "v17.5", bad: "v17.5 is no PostgreSQL version; write it as 17.5"},
		{in: "17.05", bad: "17.05 is no PostgreSQL version; write it as 17.5"},
		{in: "017.5", bad: "017.5 is no PostgreSQL version; write it as 17.5"},
		{in: "17.5.1", bad: "17.5.1 is no PostgreSQL version; write it as 17.5"},
		{in: "", bad: `"" is no PostgreSQL version; write it as 17.5`},
		{in: "17.5\x1b[2J", bad: `"17.5\x1b[2J" is no PostgreSQL version; write it as 17.5`},
		{in: "99999999999999999999.1", bad: "99999999999999999999.1 is no PostgreSQL version; write it as 17.5"},
	}
	for _, tt := range tests {
		got, err := ParseVersion(tt.in)
		if got != tt.want || errortest.Message(err) != tt.bad {
			t.Errorf("ParseVersion(%q) = %v, %q, want %v, %q", tt.in, got, errortest.Message(err), tt.want, tt.bad)
		}
	}
}

func TestVersionCompare(t *testing.T) {
	tests := []struct {
		a, b Version
		want int
	}{
		{Version{17, 5}, Version{17, 5}, 0},
		{Version{17, 10}, Version{17, 9}, 1},
		{Version{9, 6}, Version{17, 0}, -1},
	}
	for _, tt := range tests {
		if got := tt.a.Compare(tt.b); got != tt.want {
			t.Errorf("%v.Compare(%v) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestVersionJSON(t *testing.T) {
	in := []Version{{17, 5}, {16, 10}}
	data, err := json.Marshal(in)
	if err != nil || string(data) != `["17.5","16.10"]` {
		t.Fatalf("Marshal(%v) = %s, %v, want the versions as text", in, data, err)
	}
	var back []Version
	if err := json.Unmarshal(data, &back); err != nil || back[1] != in[1] {
		t.Errorf("Unmarshal(%s) = %v, %v, want %v", data, back, err, in)
	}
	if err := json.Unmarshal([]byte(`["17"]`), &back); err == nil {
		t.Error(`Unmarshal(["17"]) = nil, want an error`)
	}
	if !(Version{}).IsZero() || in[0].IsZero() {
		t.Error("IsZero does not tell no version from one")
	}
}
