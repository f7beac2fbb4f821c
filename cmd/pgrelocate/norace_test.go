//go:build !race

package main

// raceDetector tells whether the tests, and the program in the scripts, run with it.
const raceDetector = false
