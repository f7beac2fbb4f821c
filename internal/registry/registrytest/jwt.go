package registrytest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// claims are what a registry's token says; the names are those of distribution's token
// specification.
type claims struct {
	Issuer    string            `json:"iss"`
	Subject   string            `json:"sub"`
	Audience  string            `json:"aud"`
	Expires   int64             `json:"exp"`
	NotBefore int64             `json:"nbf"`
	Issued    int64             `json:"iat"`
	ID        string            `json:"jti"`
	Access    []resourceActions `json:"access"`
}

type resourceActions struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// signToken makes a JSON Web Token, signed with ES256, that carries the certificate of its
// key: distribution 2 and 3 both accept that, whereas they differ in how they name keys.
func signToken(key *ecdsa.PrivateKey, cert *x509.Certificate, claims claims) string {
	header := object{"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(cert.Raw)}}
	signed := segment(header) + "." + segment(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		panic(fmt.Sprintf("signing a token with a good key: %v", err))
	}
	var signature [64]byte // JWS wants both numbers at their full length, not ASN.1
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature[:])
}

func segment(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encoding part of a token: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(data)
}
