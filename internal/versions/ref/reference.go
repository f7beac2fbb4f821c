package ref

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Reference names one artifact in one registry. The zero value names nothing.
type Reference struct {
	// Host is the registry with its port, "registry.example.com:5000". It is empty where
	// no registry has been chosen yet.
	Host string `json:"host"`
	// Repository is the path below the host, "tanzu-sql-postgres/postgres-operator".
	Repository string `json:"repository"`
	// Tag is the tag, "v4.3.1"; empty where only a digest names the content.
	Tag string `json:"tag,omitempty"`
	// Digest is "sha256:…"; empty while it is not known.
	Digest string `json:"digest,omitempty"`
}

// Parse reads HOST/REPOSITORY[:TAG][@DIGEST]. Nothing is filled in: without a
// tag and a digest both stay empty, and the host must be there.
func Parse(s string) (Reference, error) {
	r, err := parse(s)
	if err == nil {
		return r, nil
	}
	if strings.Contains(s, "@") && r.Digest == "" {
		return Reference{}, fmt.Errorf("reference: %w", err)
	}
	return Reference{}, fmt.Errorf("reference %s: %w", Quote(s), err)
}

func parse(s string) (Reference, error) {
	if err := checkSpelling(s); err != nil {
		return Reference{}, err
	}
	rest, digest, hasDigest := strings.Cut(s, "@")
	if hasDigest {
		if err := checkDigest(digest); err != nil {
			return Reference{}, errors.New(`what follows the "@" is no digest; write sha256: and 64 hexadecimal digits, and no credentials`)
		}
	}
	host, path, _ := strings.Cut(rest, "/")
	path, tag, hasTag := strings.Cut(path, ":")
	r := Reference{Host: host, Repository: path, Tag: tag, Digest: digest}
	if hasTag {
		if err := CheckTag(tag); err != nil {
			return r, err
		}
	}
	if err := checkHost(host); err != nil {
		return r, err
	}
	return r, CheckRepository(host, path)
}

// String is the reference as people write it: HOST/REPOSITORY[:TAG][@DIGEST].
func (r Reference) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Name is HOST/REPOSITORY, without tag and digest.
func (r Reference) Name() string { return join(r.Host, r.Repository) }

// IsZero tells whether r names nothing.
func (r Reference) IsZero() bool { return r == Reference{} }

// MarshalJSON writes r as String does; one without a host begins with a slash.
func (r Reference) MarshalJSON() ([]byte, error) {
	if r.Host == "" && r.Repository != "" {
		return json.Marshal("/" + r.String())
	}
	return json.Marshal(r.String())
}

// UnmarshalJSON reads what MarshalJSON writes and, as it was written once, an object of r's
// fields. What it reads is taken apart and held against no grammar: that is for who believes it.
func (r *Reference) UnmarshalJSON(data []byte) error {
	var text string
	if bytes.HasPrefix(data, []byte("{")) {
		type fields Reference
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		return d.Decode((*fields)(r))
	}
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	*r = Reference{}
	text, r.Digest, _ = strings.Cut(text, "@")
	r.Host, text, _ = strings.Cut(text, "/")
	r.Repository, r.Tag, _ = strings.Cut(text, ":")
	return nil
}
