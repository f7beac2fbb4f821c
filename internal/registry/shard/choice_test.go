package shard

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text, index string
		want        Choice
		fails       string
	}{
		{text: "1/3", want: Choice{Number: 1, Shards: 3}},
		{text: "3/3", want: Choice{Number: 3, Shards: 3}},
		{text: "tags", want: Choice{Tags: true}},
		{text: "index/4", index: "0", want: Choice{Number: 1, Shards: 4}},
		{text: "index/4", index: "3", want: Choice{Number: 4, Shards: 4}},
		{text: "index/4", index: "4", fails: "completions have to be as many"},
		{text: "index/4", index: "-1", fails: "completions"},
		{text: "index/4", fails: "JOB_COMPLETION_INDEX is not set"},
		{text: "0/3", fails: "count from 1"},
		{text: "4/3", fails: "no shard of 3"},
		{text: "1/0", fails: "no number of shards"},
		{text: "1/1001", fails: "from 1 to 1000"},
		{text: "1/x", fails: "no number of shards"},
		{text: "", fails: "write I/N"},
		{text: "2", fails: "write I/N"},
	} {
		got, err := Parse(tt.text, func(string) string { return tt.index })
		if tt.fails != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("Parse(%q) with index %q = %v, want an error about %q", tt.text, tt.index, err, tt.fails)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("Parse(%q) with index %q = %+v, %v, want %+v", tt.text, tt.index, got, err, tt.want)
		}
		if tt.index == "" && got.String() != tt.text {
			t.Errorf("Parse(%q).String() = %q", tt.text, got.String())
		}
	}
}
