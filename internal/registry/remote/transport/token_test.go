package transport

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

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
