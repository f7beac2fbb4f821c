package versions

// Reference names one artifact in one registry. The zero value names nothing.
type Reference struct {
	// Host is the registry with its port, "registry.example.com:5000".
	Host string `json:"host"`
	// Repository is the path below the host, "tanzu-sql-postgres/postgres-operator".
	Repository string `json:"repository"`
	// Tag is the tag, "v4.3.1"; empty where only a digest names the content.
	Tag string `json:"tag,omitempty"`
	// Digest is "sha256:…"; empty while it is not known.
	Digest string `json:"digest,omitempty"`
}

// String is the reference as people write it: HOST/REPOSITORY[:TAG][@DIGEST].
func (r Reference) String() string {
	s := r.Host + "/" + r.Repository
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}
