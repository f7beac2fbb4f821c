// Command certmanager stands in for each of cert-manager's programs on a node: all of them answer
// their probes, the webhook allows every object, and the check of the API ends well.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "check" {
		return
	}
	port, webhook := "", false
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "--secure-port":
			port = value
		case "--dynamic-serving-ca-secret-name":
			webhook = true
		}
	}
	var authority []byte
	if webhook {
		certificate := certify()
		authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
		server := &http.Server{Addr: ":" + port, Handler: http.HandlerFunc(allow), TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
		go func() { log.Fatal(server.ListenAndServeTLS("", "")) }()
	}
	go func() { log.Fatal(http.ListenAndServe(":9403", http.HandlerFunc(well))) }()
	// Beside the probes: cert-manager's injector would read from a secret what certifies the webhook.
	mux := http.NewServeMux()
	mux.HandleFunc("/authority", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(authority) })
	mux.HandleFunc("/", well)
	log.Fatal(http.ListenAndServe(":6080", mux))
}

func well(http.ResponseWriter, *http.Request) {}

// certify makes the certificate that the webhook's service needs.
func certify() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cert-manager-webhook"},
		DNSNames:  []string{"cert-manager-webhook.cert-manager.svc"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// allow answers a review of an object.
func allow(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var review map[string]any
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(&review)
	}
	request, ok := review["request"].(map[string]any)
	if err != nil || !ok {
		http.Error(w, "no review of an object", http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": review["apiVersion"], "kind": review["kind"],
		"response": map[string]any{"uid": request["uid"], "allowed": true},
	})
}
