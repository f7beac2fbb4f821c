// Package faults_test holds the copy engine against everything that goes wrong between
// real registries: what breaks, stalls, refuses and lies. Each row says whether the copy
// has to succeed and how many bytes it may move beyond the ideal, which is each blob once.
package faults_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
