package jsonlimit

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document stands for what is read: a struct in a list, a list of words, a map.
type document struct {
	List  []element
	Words []string
	Notes map[string]string
}

type element struct {
	Name, Kind string
	Size       int64
	Notes      map[string]string
	Other      [8]int64
}

const megabytes = 16 << 20

// filled is head, as many of what next makes as there is room for in size bytes, and tail.
func filled(size int, head, tail string, next func(i int) string) []byte {
	var b strings.Builder
	b.Grow(size)
	b.WriteString(head)
	for i := 0; b.Len()+64+len(tail) < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(next(i))
	}
	b.WriteString(tail)
	return []byte(b.String())
}

// TestLargeDocumentsDoNotBecomeGigabytes: what is refused costs nothing, and what is read little.
func TestLargeDocumentsDoNotBecomeGigabytes(t *testing.T) {
	always := func(text string) func(int) string { return func(int) string { return text } }
	tests := []struct {
		name       string
		head, tail string
		next       func(int) string
	}{
		{"objects of nothing", `{"List":[`, `]}`, always("{}")},
		{"objects of one field", `{"List":[`, `]}`, always(`{"Size":1}`)},
		{"objects that nobody knows", `{"x":[`, `]}`, always("{}")},
		{"short words", `{"Words":[`, `]}`, always(`"a"`)},
		{"a map of nothing", `{"Notes":{`, `}}`, func(i int) string { return fmt.Sprintf(`"%x":""`, i) }},
		{"maps of nothing", `{"List":[`, `]}`, always(`{"Notes":{"a":"","b":"","c":"","d":""}}`)},
		{"numbers", `{"List":[{"Other":[`, `]}]}`, always("1")},
		{"spaces between", `{"List":[`, `]}`, always("{ \n }")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := filled(megabytes, tt.head, tt.tail, tt.next)
			var err error
			took := allocated(func() { err = Unmarshal(body, new(document)) })
			if !errors.Is(err, ErrLimit) || took > 64<<10 {
				t.Errorf("Unmarshal() = %v after %d bytes of memory, want %v and hardly any", err, took, ErrLimit)
			}
		})
	}
}

// allocated is how many bytes f asks for.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHonestDocumentsAreRead, megabytes of them too.
func TestHonestDocumentsAreRead(t *testing.T) {
	descriptor := `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1,"digest":"sha256:` + strings.Repeat("a", 64) + `"}`
	platform := strings.Replace(descriptor, `"size"`, `"platform":{"architecture":"amd64","os":"linux"},"size"`, 1)
	for name, body := range map[string][]byte{
		"descriptors": filled(megabytes, `{"x":[`, `]}`, func(int) string { return descriptor }),
		"platforms":   filled(megabytes, `{"x":[`, `]}`, func(int) string { return platform }),
		"tags":        filled(megabytes, `{"Words":[`, `]}`, func(int) string { return `"v17.5-v4.3.1"` }),
		"short tags":  filled(1<<19, `{"Words":[`, `]}`, func(int) string { return `"v17.5"` }),
		"escapes":     []byte(`{"Words":["a\"{[\\","\u007b","}"]}`),
		"not JSON":    []byte(`{"Words":["a`),
	} {
		if err := Check(body); err != nil {
			t.Errorf("Check(%s) = %v, want nil", name, err)
		}
	}
	var got document
	if err := Unmarshal([]byte(`{"Words":["a\"{[\\"]}`), &got); err != nil || got.Words[0] != `a"{[\` {
		t.Errorf("Unmarshal() = %q, %v", got.Words, err)
	}
}

func TestDepth(t *testing.T) {
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if err := Unmarshal(nested(MaxDepth), new(any)); err != nil {
		t.Errorf("Unmarshal(%d arrays) = %v", MaxDepth, err)
	}
	if err := Unmarshal(nested(MaxDepth+1), new(any)); !errors.Is(err, ErrLimit) {
		t.Errorf("Unmarshal(%d arrays) = %v, want %v", MaxDepth+1, err, ErrLimit)
	}
	if err := Check([]byte(strings.Repeat("]", 100))); err != nil {
		t.Errorf("Check(ends without beginnings) = %v", err)
	}
}

// object reads the fields name and list.
func object(exact bool) func(text string) (string, []element, error) {
	return func(text string) (name string, list []element, err error) {
		read := Object
		if exact {
			read = ExactObject
		}
		err = read([]byte(text), Fields{"name": Value(&name), "list": List(&list, 3, func(e *element) error {
			if e.Name == "" {
				return errors.New("an element without a name")
			}
			e.Kind = strings.ToUpper(e.Kind)
			return nil
		})})
		return name, list, err
	}
}

func TestObject(t *testing.T) {
	name, list, err := object(false)(` {"other": {"list": [1]}, "list": [{"Name": "a", "Kind": "k", "More": 1}, {"Name": "b"}], "name": "n"} `)
	want := []element{{Name: "a", Kind: "K"}, {Name: "b"}}
	if diff := cmp.Diff(want, list); err != nil || name != "n" || diff != "" {
		t.Errorf("Object() = %q, %v:\n%s", name, err, diff)
	}
	if _, list, err := object(false)(`{"list": null}`); err != nil || list != nil {
		t.Errorf("Object(null) = %v, %v, want an empty list", list, err)
	}
	if _, list, err := object(false)(`{"list": []}`); err != nil || len(list) != 0 {
		t.Errorf("Object([]) = %v, %v, want an empty list", list, err)
	}
}

func TestObjectsThatAreRefused(t *testing.T) {
	tests := []struct {
		name, text string
		exact      bool
		want       string
	}{
		{"a field twice", `{"name": "a", "name": "b"}`, false, "twice"},
		{"a field in another case", `{"Name": "a"}`, false, "unknown field"},
		{"an element that check refuses", `{"list": [{"Name": "a"}, {}]}`, false, "without a name"},
		{"too many elements", `{"list": [{"Name": "a"}, {"Name": "b"}, {"Name": ",[{"}, {"Name": "d"}]}`, false, "a list of 4"},
		{"an array", `[]`, false, "where an object should be"},
		{"an object for a list", `{"list": {}}`, false, "where a list should be"},
		{"more than an object", `{} {}`, false, "something follows it"},
		{"half an object", `{"list": [{"Name": "a"}`, false, "EOF"},
		{"an unknown field", `{"other": 1}`, true, "unknown field"},
		{"an unknown field of an element", `{"list": [{"Name": "a", "Other2": 1}]}`, true, "unknown field"},
		{"nothing", ``, false, "EOF"},
	}
	for _, tt := range tests {
		if _, _, err := object(tt.exact)(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Object(%s) = %v, want an error with %q", tt.name, tt.text, err, tt.want)
		}
	}
}

// FuzzObject: what Object reads is JSON, and reads as json.Unmarshal does.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"name": "n", "list": [{"Name": "a"}], "x": [1, {}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		name, list, err := object(false)(string(body))
		if err != nil {
			return
		}
		var want struct {
			Name string    `json:"name"`
			List []element `json:"list"`
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("Object() = nil, and json.Unmarshal() = %v", err)
		}
		if name != want.Name || len(list) != len(want.List) {
			t.Errorf("Object() = %q, %d elements, want %q, %d", name, len(list), want.Name, len(want.List))
		}
	})
}
