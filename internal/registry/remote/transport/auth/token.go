package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// token is a bearer token and when it should be replaced.
type token struct {
	key     tokenKey
	value   string
	asked   time.Time
	renewAt time.Time
	life    time.Duration // 0 where the server did not say
}

func (t *token) fresh(now time.Time) bool { return t != nil && now.Before(t.renewAt) }

// newToken replaces a token when a quarter of its life is left, for the registry's clock
// and ours may differ. A token server that says nothing means 60 seconds.
func newToken(answer *tokenAnswer, asked time.Time) *token {
	said := time.Duration(answer.ExpiresIn) * time.Second
	life := said
	if life <= 0 {
		life = time.Minute
	}
	return &token{value: answer.value(), asked: asked, renewAt: asked.Add(life - min(life/4, time.Minute)), life: said}
}

// tokenAnswer is what a token server says, in the words of the distribution project and
// of OAuth 2.
type tokenAnswer struct {
	Token       string `json:"token"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"-"` // in seconds; 0 where the server does not say, or not so that it makes sense
}

// UnmarshalJSON takes expires_in as servers write it: 300, 300.0 or "300".
func (t *tokenAnswer) UnmarshalJSON(data []byte) error {
	type plain tokenAnswer // without this method
	said := struct {
		*plain
		ExpiresIn json.RawMessage `json:"expires_in"`
	}{plain: (*plain)(t)}
	if err := json.Unmarshal(data, &said); err != nil {
		return err
	}
	t.ExpiresIn = seconds(string(said.ExpiresIn))
	return nil
}

// longestLife is taken for whatever is said to live longer.
const longestLife = 365 * 24 * time.Hour

// seconds reads a positive number of them, 0 where it is none.
func seconds(text string) int64 {
	value, err := strconv.ParseFloat(strings.Trim(text, `"`), 64)
	if err != nil || math.IsInf(value, 0) || !(value >= 1) { // nor NaN
		return 0
	}
	return int64(min(value, longestLife.Seconds()))
}

// value is the token.
func (t *tokenAnswer) value() string {
	if t.Token != "" {
		return t.Token
	}
	return t.AccessToken
}

// check tells what makes the token unusable.
func (t *tokenAnswer) check() error {
	value := t.value()
	if value == "" {
		return errors.New("the token server's answer holds no token")
	}
	for i := range len(value) {
		if b := value[i]; b < ' ' || b >= 0x7f {
			return fmt.Errorf("the token server's answer holds a token with the byte %#02x, which no request can carry: that server has to be mended", b)
		}
	}
	return nil
}

// readAnswer reads what a token server says.
func readAnswer(body []byte) (*tokenAnswer, error) {
	answer := new(tokenAnswer)
	var kind *json.UnmarshalTypeError
	switch err := jsonlimit.Unmarshal(body, answer); {
	case errors.As(err, &kind): // its words are about our types
		return nil, fmt.Errorf("reading the token server's answer: of JSON type %s where another belongs", kind.Value)
	case err != nil:
		return nil, fmt.Errorf("reading the token server's answer: %w", err)
	}
	return answer, answer.check()
}
