package transport

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTokenAnswersOfAllKinds(t *testing.T) {
	tests := []struct {
		said  string
		value string
		life  int64
	}{
		{`{"token":"a"}`, "a", 0},
		{`{"access_token":"b","expires_in":300}`, "b", 300},
		{`{"token":"a","access_token":"b","expires_in":"300"}`, "a", 300},
		{`{"token":"a","expires_in":300.0}`, "a", 300},
		{`{"token":"a","expires_in":3e2}`, "a", 300},
		{`{"token":"a","expires_in":299.9}`, "a", 299},
		{`{"token":"a","expires_in":99999999999999999999}`, "a", 365 * 24 * 3600},
		{`{"token":"a","expires_in":1e999}`, "a", 0},
		{`{"token":"a","expires_in":"inf"}`, "a", 0},
		{`{"token":"a","expires_in":"nan"}`, "a", 0},
		{`{"token":"a","expires_in":-300}`, "a", 0},
		{`{"token":"a","expires_in":"soon"}`, "a", 0},
		{`{"token":"a","expires_in":""}`, "a", 0},
		{`{"token":"a","expires_in":null}`, "a", 0},
		{`{"token":"a","expires_in":{"seconds":300}}`, "a", 0},
		{`{"token":"a","expires_in":[300]}`, "a", 0},
	}
	for _, tt := range tests {
		var got tokenAnswer
		if err := json.Unmarshal([]byte(tt.said), &got); err != nil || got.value() != tt.value || got.ExpiresIn != tt.life {
			t.Errorf("%s is the token %q for %d s (%v), want %q for %d s", tt.said, got.value(), got.ExpiresIn, err, tt.value, tt.life)
		}
	}
}

// answersTokens asks for a token, and answers with a list to whoever has one.
func answersTokens(answer string, tokens *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			*tokens++
			fmt.Fprint(w, answer)
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprint(w, `{"tags":["v1"]}`)
		}
	}
}

func TestATokensLifeAsTextIsNoFailure(t *testing.T) {
	for _, life := range []string{`"300"`, `300.0`, `"soon"`} {
		tokens := 0
		client := tokenClient(t, answersTokens(`{"token":"good","expires_in":`+life+`}`, &tokens), Options{})
		if _, err := client.Tags(t.Context(), "a"); err != nil || tokens != 1 {
			t.Errorf("expires_in %s: Tags() = %v after %d tokens, want a list after one", life, err, tokens)
		}
	}
}

// What no header can hold is the token server's fault, and no network's: it is not tried again.
func TestUnusableTokens(t *testing.T) {
	tests := map[string]string{
		`{"token":"a\nb"}`:             "a token with the byte 0x0a",
		`{"token":"a\u0000"}`:          "a token with the byte 0x00",
		`{"token":"a\u007f"}`:          "a token with the byte 0x7f",
		`{"access_token":"a\u00e9"}`:   "a token with the byte 0xc3",
		`{"token":""}`:                 "holds no token",
		`{"expires_in":300}`:           "holds no token",
		`{"token":300}`:                "reading the token server's answer",
		`<html>please log in</html>\n`: "reading the token server's answer",
	}
	for answer, want := range tests {
		tokens := 0
		client := tokenClient(t, answersTokens(answer, &tokens), Options{})
		_, err := client.Tags(t.Context(), "a")
		if err == nil || !strings.Contains(err.Error(), want) || tokens != 1 {
			t.Errorf("%s: Tags() = %v after %d tries, want %q after one", answer, err, tokens, want)
		}
	}
}
