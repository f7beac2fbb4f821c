package jsonlimit

import (
	"errors"
	"testing"
	"time"
)

// named is read by its fields, in all the ways in which fields can be there.
type named struct {
	Digest string `json:"digest"`
	Plain  int
	Notes  map[string]string `json:"notes,omitempty"`
	Inner  *named            `json:"inner"`
	List   []named           `json:"list"`
	Time   time.Time         `json:"time"`
	Any    any               `json:"any"`
	hidden int
	Not    int `json:"-"`
	embedded
}

type embedded struct {
	Below string `json:"below"`
}

// TestWhatTwoProgramsReadDifferently: neither the last of two keys is believed nor one in
// another case, at any depth.
func TestWhatTwoProgramsReadDifferently(t *testing.T) {
	refused := []string{
		`{"digest": "a", "digest": "b"}`,
		`{"digest": "a", "digest": "a"}`,
		`{"digest": "a", "Digest": "b"}`,
		`{"DIGEST": "a"}`,
		`{"digest": "a", "d\u0069gest": "b"}`,
		`{"ti\u006de": "2026-01-01T00:00:00Z", "time": null}`,
		`{"li\u017ft": []}`,
		`{"plain": 1}`,
		`{"Below": "a"}`,
		`{"notes": {"a": "", "a": "x"}}`,
		`{"inner": {"inner": {"Digest": "a"}}}`,
		`{"list": [{}, {"digest": "a", "Digest": "b"}]}`,
		`{"any": [{"x": 1, "y": {"z": 1, "z": 2}}]}`,
		`{"unknown": {"z": 1, "z": 2}}`,
		`{"notes": {"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","j":"","k":"","l":"","m":"","n":"","o":"","p":"","q":"","r":"","q":""}}`,
	}
	for _, text := range refused {
		if err := Unmarshal([]byte(text), new(named)); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("Unmarshal(%s) = %v, want %v", text, err, ErrAmbiguous)
		}
		if err := Lenient([]byte(text), new(named)); err != nil {
			t.Errorf("Lenient(%s) = %v", text, err)
		}
		err := Object([]byte(`{"of": [`+text+`]}`), Fields{"of": List(new([]named), 9, func(*named) error { return nil })})
		if !errors.Is(err, ErrAmbiguous) {
			t.Errorf("Object(a list of %s) = %v, want %v", text, err, ErrAmbiguous)
		}
	}
	for _, text := range []string{
		`{"digest": "a", "Plain": 1, "below": "", "hidden": 1, "Hidden": 2, "Not": 1, "not": 2}`,
		`{"notes": {"maintainer": "a", "Maintainer": "b"}, "digest": "{\"digest\": 1, \"digest\": 2}"}`,
		`{"list": [{"digest": "a"}, {"digest": "a"}], "inner": {"digest": "a"}, "any": {"digest": {}, "Digest": []}}`,
		` { "inner" : null , "time":"2026-01-01T00:00:00Z" } `,
	} {
		if err := Unmarshal([]byte(text), new(named)); err != nil {
			t.Errorf("Unmarshal(%s) = %v", text, err)
		}
	}
	_ = named{}.hidden
}
