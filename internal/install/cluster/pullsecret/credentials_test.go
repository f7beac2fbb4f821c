package pullsecret

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
)

func TestParseCredentials(t *testing.T) {
	docker := `{"auths":{"registry.example.com":{"auth":"cm9ib3Q6czNjcmV0"},"https://index.docker.io/v1/":{"username":"hub","password":"pw"}}}`
	tests := []struct {
		name, text, host string
		want             string // USER:PASSWORD, empty for an error
	}{
		{"plain", "robot:s3cret", "registry.example.com", "robot:s3cret"},
		{"newline of a file", "robot:s3cret\r\n", "registry.example.com", "robot:s3cret"},
		{"colon in the password", "robot:s3:cret", "registry.example.com", "robot:s3:cret"},
		{"harbor robot", "robot$pull:s3cret", "registry.example.com", "robot$pull:s3cret"},
		{"docker config", docker, "registry.example.com", "robot:s3cret"},
		{"docker hub", docker, "index.docker.io", "hub:pw"},
		{"docker config for another host", docker, "other.example.com", ""},
		{"no colon", "s3cret", "registry.example.com", ""},
		{"no user", ":s3cret", "registry.example.com", ""},
		{"no password", "robot:", "registry.example.com", ""},
		{"two lines", "robot:s3cret\nmore", "registry.example.com", ""},
		{"empty", "", "registry.example.com", ""},
		{"broken JSON", `{"auths":{"registry.example.com":{"auth":"cm9ib3Q6czNjcmV0`, "registry.example.com", ""},
		{"broken auth", `{"auths":{"registry.example.com":{"auth":"%%s3cret"}}}`, "registry.example.com", ""},
		{"identity token", `{"auths":{"registry.example.com":{"identitytoken":"s3cret"}}}`, "registry.example.com", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCredentials(tt.text, tt.host)
			if tt.want == "" {
				if err == nil || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("ParseCredentials(%s) = %v, want an error without the password", tt.name, err)
				}
				return
			}
			if err != nil || got.Username+":"+got.Password != tt.want {
				t.Errorf("ParseCredentials(%s) = %v, %v, want %s", tt.name, got, err, tt.want)
			}
		})
	}
}

func TestCredentialsFromIdentityToken(t *testing.T) {
	if _, err := CredentialsFrom(authn.AuthConfig{IdentityToken: "s3cret"}); !errors.Is(err, ErrNoPassword) {
		t.Errorf("CredentialsFrom(identity token) = %v, want ErrNoPassword", err)
	}
	if got, err := CredentialsFrom(authn.AuthConfig{}); err != nil || !got.IsZero() {
		t.Errorf("CredentialsFrom(anonymous) = %v, %v, want none", got, err)
	}
}

// What is written must be what is read, and what docker would look up.
func TestDockerConfigRoundTrip(t *testing.T) {
	for _, host := range []string{"registry.example.com", "registry.example.com:5000", "index.docker.io"} {
		in := Credentials{Username: "robot", Password: "s3:cret"}
		content, err := encodeDockerConfig(in, host)
		if err != nil {
			t.Fatal(err)
		}
		out, err := decodeDockerConfig(content, host)
		if err != nil || out != in {
			t.Errorf("decodeDockerConfig(encodeDockerConfig(%s)) = %v, %v, want %v", host, out, err, in)
		}
		if _, err := decodeDockerConfig(content, "other.example.com"); !errors.Is(err, ErrNoEntry) {
			t.Errorf("decodeDockerConfig(other host) = %v, want ErrNoEntry", err)
		}
	}
}

func TestCredentialsDoNotShow(t *testing.T) {
	text := fmt.Sprintf("%v %+v %#v %s", Credentials{Username: "robot", Password: "s3cret"}, Secret{Credentials: Credentials{Username: "a", Password: "s3cret"}},
		Secret{Credentials: Credentials{Username: "a", Password: "s3cret"}}, Secret{Credentials: Credentials{Username: "a", Password: "s3cret"}}.Credentials)
	if strings.Contains(text, "s3cret") {
		t.Errorf("printing credentials shows the password: %s", text)
	}
}
