package refusal

import (
	"bytes"
	"encoding/json"
	"mime"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// answerOfFailure is what a registry says about a failure, in the words of the distribution
// specification (errors), of OAuth 2 (error, error_description), and of servers that have
// words of their own.
type answerOfFailure struct {
	Errors      []json.RawMessage `json:"errors"`
	Error       json.RawMessage   `json:"error"`
	Description json.RawMessage   `json:"error_description"`
	Message     json.RawMessage   `json:"message"`
	Detail      json.RawMessage   `json:"detail"`
	Details     json.RawMessage   `json:"details"`
}

// wordsOf reads the body of a failure: the registry's own error codes, "NAME_UNKNOWN", and what
// it says to people. A page for browsers says nothing.
func wordsOf(contentType string, body []byte) (codes, words []string) {
	var answer answerOfFailure
	if jsonlimit.Lenient(body, &answer) != nil {
		if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind == "text/plain" {
			words = appendWord(nil, string(bytes.TrimSpace(body)))
		}
		return nil, words
	}
	for _, raw := range answer.Errors {
		var item struct {
			Code    json.RawMessage `json:"code"`
			Message json.RawMessage `json:"message"`
			Detail  json.RawMessage `json:"detail"`
		}
		if json.Unmarshal(raw, &item) != nil {
			words = appendWord(words, text(raw))
			continue
		}
		code, message := text(item.Code), text(item.Message)
		if message == "" {
			message = text(item.Detail)
		}
		codes = append(codes, code) // for us; what is shown is the message
		words = appendWord(words, strings.TrimSpace(code+" "+message))
	}
	for _, raw := range []json.RawMessage{answer.Error, answer.Description, answer.Message, answer.Detail, answer.Details} {
		words = appendWord(words, text(raw))
	}
	return codes, words
}

func appendWord(words []string, word string) []string {
	if word == "" {
		return words
	}
	return append(words, word)
}

// text is a JSON string; empty for any other value.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
