package refusal

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWordsOf(t *testing.T) {
	tests := []struct {
		name, kind, body string
		codes, words     []string
	}{
		{"the specification's", "application/json", `{"errors":[{"code":"DENIED","message":"no","detail":{"a":1}},{"code":"UNKNOWN"}]}`,
			[]string{"DENIED", "UNKNOWN"}, []string{"DENIED no", "UNKNOWN"}},
		{"only a detail", "application/json", `{"errors":[{"code":"DENIED","detail":"the quota is used up"}]}`,
			[]string{"DENIED"}, []string{"DENIED the quota is used up"}},
		{"errors that are texts", "application/json", `{"errors":["no"]}`, nil, []string{"no"}},
		{"OAuth's", "application/json", `{"error":"invalid_grant","error_description":"refresh token expired"}`,
			nil, []string{"invalid_grant", "refresh token expired"}},
		{"a token server's", "application/json", `{"details":"incorrect username or password"}`, nil, []string{"incorrect username or password"}},
		{"Artifactory's and Nexus's", "application/json", `{"errors":[{"status":403,"message":"Forbidden"}],"message":"no","detail":[]}`,
			[]string{""}, []string{"Forbidden", "no"}},
		{"text", "text/plain; charset=utf-8", "  no space left\n", nil, []string{"no space left"}},
		{"a page", "text/html", "<html>log in</html>", nil, nil},
		{"nothing", "", "", nil, nil},
	}
	for _, tt := range tests {
		codes, words := wordsOf(tt.kind, []byte(tt.body))
		if diff := cmp.Diff([][]string{tt.codes, tt.words}, [][]string{codes, words}); diff != "" {
			t.Errorf("%s: wordsOf(%q) (-want +got):\n%s", tt.name, tt.body, diff)
		}
	}
}
