package pages

import "testing"

func TestNextLink(t *testing.T) {
	tests := []struct {
		headers []string
		want    string
	}{
		{nil, ""},
		{[]string{`</v2/a/tags/list?last=x&n=2>; rel="next"`}, "/v2/a/tags/list?last=x&n=2"},
		{[]string{`  </a>;rel=next`}, "/a"},
		{[]string{`</a>; rel="first"`, `</b>; rel="next"`}, "/b"},
		{[]string{`</a>; rel="first", </b>; rel="next"`}, "/b"},
		{[]string{`</a>; rel="next", </b>; rel="last"`}, "/a"},
		{[]string{`</a,b;c>; title="x, </no>; y"; REL="prev NEXT"`}, "/a,b;c"},
		{[]string{`</a>; rel="last"; title="next"`}, ""},
		{[]string{`</next>; rel="last"`}, ""},
		{[]string{`</a>; rel="nextish"`, `</a>; rel=next-archive`}, ""},
		{[]string{`</a>`, `<`}, ""},
		{[]string{`/v2/a/tags/list?last=x; rel="next"`}, "/v2/a/tags/list?last=x"},
		{[]string{`</b; rel="next"`}, "/b"},
		{[]string{`rel="next"`}, "unusable"},
	}
	for _, tt := range tests {
		got, found := nextLink(tt.headers)
		if found && got == "" {
			got = "unusable"
		}
		if got != tt.want || found != (tt.want != "") {
			t.Errorf("nextLink(%q) = %q, %v, want %q", tt.headers, got, found, tt.want)
		}
	}
}
