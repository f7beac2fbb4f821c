package auth

import (
	"encoding/json"
	"testing"
	"time"
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

func TestTokenIsRenewedBeforeItExpires(t *testing.T) {
	asked := time.Now()
	tests := []struct {
		life int64
		want time.Duration
	}{{0, 45 * time.Second}, {4, 3 * time.Second}, {3600, 59 * time.Minute}}
	for _, tt := range tests {
		got := newToken(&tokenAnswer{Token: "x", ExpiresIn: tt.life}, asked)
		if got.renewAt != asked.Add(tt.want) {
			t.Errorf("a token of %d s is renewed after %s, want %s", tt.life, got.renewAt.Sub(asked), tt.want)
		}
	}
}
