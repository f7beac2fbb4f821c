package pullsecret_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// secretOf is a pull secret that somebody else has written, with this content.
func secretOf(namespace, content string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: " + namespace + "}\n" +
		"type: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: '" + content + "'}\n"
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// A pull secret is read as kubelets read it, whoever wrote it, and what cannot be read of it is
// not repeated.
func TestStoredCredentialsOfOthers(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	both := encoded("robot:s3cret")
	folders := `{"auths":{"r.example.com/app":{"auth":"YXBwOnB3"},"r.example.com/pg":{"auth":"` + both + `"},"https://r.example.com/v2/pg/old":{"auth":"b2xkOnB3"}}}`
	whole := `{"auths":{"r.example.com/app":{"auth":"YXBwOnB3"},"r.example.com":{"auth":"` + both + `"}}}`
	for _, tt := range []struct {
		name, content, host string
		want                pullsecret.Credentials
		err                 error  // that it is
		says                string // what the error says besides the secret's name
	}{
		{"a name and a password", encoded(`{"auths":{"r.example.com":{"username":"robot","password":"s3cret"}}}`), "r.example.com", login, nil, ""},
		{"an auth entry", encoded(`{"auths":{"r.example.com":{"auth":"` + both + `"}}}`), "r.example.com", login, nil, ""},
		{"an address for a key", encoded(`{"auths":{"https://r.example.com/v1/":{"auth":"` + both + `"}}}`), "r.example.com", login, nil, ""},
		{"docker hub's old name", encoded(`{"auths":{"https://index.docker.io/v1/":{"auth":"` + both + `"}}}`), "docker.io", login, nil, ""},
		{"one of a registry's folders", encoded(folders), "r.example.com/pg/operator", login, nil, ""},
		{"the longest of them", encoded(folders), "r.example.com/pg/old/operator", pullsecret.Credentials{Username: "old", Password: "pw"}, nil, ""},
		{"none of them", encoded(folders), "r.example.com/other/operator", pullsecret.Credentials{}, pullsecret.ErrNoEntry, "r.example.com/other/operator"},
		{"the registry before its folders", encoded(whole), "r.example.com", login, nil, ""},
		{"the registry where no folder is", encoded(whole), "r.example.com/other/operator", login, nil, ""},
		{"a star for a part of a name", encoded(`{"auths":{"*.example.com":{"auth":"` + both + `"}}}`), "r.example.com/pg/operator", login, nil, ""},
		{"a star for no more", encoded(`{"auths":{"*.example.com":{"auth":"` + both + `"}}}`), "r.eu.example.com/pg/operator", pullsecret.Credentials{}, pullsecret.ErrNoEntry, "r.eu.example.com"},
		{"a star before a name", encoded(`{"auths":{"*.example.com":{"auth":"b2xkOnB3"},"r.example.com":{"auth":"` + both + `"}}}`), "r.example.com/pg/operator", login, nil, ""},
		{"a star with a port", encoded(`{"auths":{"*.example.com:5000":{"auth":"` + both + `"}}}`), "r.example.com:5000", login, nil, ""},
		{"another registry", encoded(`{"auths":{"s.example.com":{"auth":"` + both + `"}}}`), "r.example.com", pullsecret.Credentials{}, pullsecret.ErrNoEntry, "r.example.com"},
		{"a registry whose name begins alike", encoded(`{"auths":{"r.example.com.evil.example":{"auth":"` + both + `"}}}`), "r.example.com", pullsecret.Credentials{}, pullsecret.ErrNoEntry, ""},
		{"a token", encoded(`{"auths":{"r.example.com":{"identitytoken":"s3cret"}}}`), "r.example.com", pullsecret.Credentials{}, pullsecret.ErrNoPassword, ""},
		{"no JSON", encoded(`robot:s3cret`), "r.example.com", pullsecret.Credentials{}, nil, "no docker config"},
		{"no base64", "s3cret!", "r.example.com", pullsecret.Credentials{}, nil, "illegal base64"},
		{"an auth entry that is none", encoded(`{"auths":{"r.example.com":{"auth":"s3cret"}}}`), "r.example.com", pullsecret.Credentials{}, nil, "not USER:PASSWORD"},
		{"nothing", "", "r.example.com", pullsecret.Credentials{}, nil, "no docker config"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.Put(t, secretOf("demo", tt.content))
			got, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", tt.host)
			if got != tt.want || tt.err != nil && !errors.Is(err, tt.err) || (err == nil) == (tt.want == pullsecret.Credentials{}) {
				t.Fatalf("Stored(%s) = %v, %v, want %v, %v", tt.host, got.Username, err, tt.want.Username, tt.err)
			}
			if err == nil {
				return
			}
			if text := err.Error(); !strings.HasPrefix(text, "secret regsecret in namespace demo: ") || !strings.Contains(text, tt.says) || strings.Contains(text, "s3cret") {
				t.Errorf("Stored(%s) = %q, want the secret's name, %q, and no secret", tt.host, text, tt.says)
			}
		})
	}
}

// Whatever somebody has made of our secret by hand, applying it again makes it whole.
func TestApplyMendsOurSecret(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	c := server.Connect(t)
	if _, err := pullsecret.Apply(t.Context(), c, pullSecret("demo")); err != nil {
		t.Fatal(err)
	}
	edited := server.Get("secrets", "demo", "regsecret")
	edited.Object["data"] = map[string]any{".dockerconfigjson": encoded("{}")}
	text, err := edited.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	server.Put(t, string(text))
	if _, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", "r.example.com"); !errors.Is(err, pullsecret.ErrNoEntry) {
		t.Fatalf("Stored() of what was edited = %v, want ErrNoEntry", err)
	}
	if got, err := pullsecret.Apply(t.Context(), c, pullSecret("demo")); got.Change != pullsecret.Updated || err != nil {
		t.Errorf("Apply() = %s, %v, want updated", got.Change, err)
	}
	if got, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", "r.example.com"); got != login || err != nil {
		t.Errorf("Stored() = %v, %v, want what was applied", got.Username, err)
	}
}

// A secret of another type has to go first. Where it may not, it stays as it was.
func TestApplyThatMayNotReplace(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: demo}\ntype: Opaque\ndata: {a: Yg==}\n")
	c := server.Connect(t)
	server.Deny("delete secrets")
	server.Writes()
	forced := pullSecret("demo")
	forced.Force = true
	_, err := pullsecret.Apply(t.Context(), c, forced)
	if !errors.Is(err, cluster.ErrDenied) || !strings.HasPrefix(err.Error(), "replacing secret demo/regsecret: ") {
		t.Errorf("Apply() = %v, want that replacing it is denied", err)
	}
	if kind := server.Get("secrets", "demo", "regsecret").Object["type"]; kind != "Opaque" {
		t.Errorf("the secret's type is %v afterwards, want Opaque", kind)
	}
}

// A rotation goes on where one namespace refuses, and says which. Others' secrets it never touches.
func TestRotateGoesOn(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	for _, namespace := range []string{"a", "b", "c"} {
		server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+namespace+"}\n")
		if _, err := pullsecret.Apply(t.Context(), c, pullSecret(namespace)); err != nil {
			t.Fatal(err)
		}
	}
	server.Put(t, secretOf("foreign", encoded(`{"auths":{"r.example.com":{"username":"robot","password":"s3cret"}}}`)))
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method != http.MethodPatch || !strings.Contains(r.URL.Path, "/namespaces/b/") {
			return nil
		}
		return &clustertest.Refusal{Code: http.StatusForbidden, Reason: "Forbidden", Message: "not in b"}
	})
	renewed := pullsecret.Credentials{Username: "robot", Password: "new"}
	results, err := pullsecret.Rotate(t.Context(), c, "r.example.com", renewed)
	if !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "applying secret b/regsecret: ") {
		t.Errorf("Rotate() = %v, want that b refuses", err)
	}
	var done []string
	for _, result := range results {
		done = append(done, result.Namespace)
	}
	if strings.Join(done, " ") != "a c" {
		t.Errorf("Rotate() changed %v, want a and c", done)
	}
	for namespace, want := range map[string]pullsecret.Credentials{"a": renewed, "b": login, "c": renewed, "foreign": login} {
		if got, err := pullsecret.Stored(t.Context(), c, namespace, "regsecret", "r.example.com"); got != want || err != nil {
			t.Errorf("afterwards namespace %s has the password of %v, %v, want %v's", namespace, got.Username, err, want.Username)
		}
	}
}

// Secrets of the older type are read as kubelets read them.
func TestStoredInTheOlderType(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: demo}\ntype: kubernetes.io/dockercfg\ndata: {.dockercfg: "+
		encoded(`{"r.example.com":{"auth":"`+encoded("robot:s3cret")+`"}}`)+"}\n")
	got, err := pullsecret.Stored(t.Context(), server.Connect(t), "demo", "regsecret", "r.example.com/pg/operator")
	if got != login || err != nil {
		t.Errorf("Stored() = %v, %v, want the login", got.Username, err)
	}
}
