// Package errortest compares errors in tests.
package errortest

// Message is an error's text; empty where there is none.
func Message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
