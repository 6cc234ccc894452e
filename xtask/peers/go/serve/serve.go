// Package serve reads the commands of ../../README.md from standard input and answers them on standard output, a JSON
// object a line.
package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
)

type Record struct {
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
	Timestamp int64        `json:"timestamp,omitempty"`
}

type Command struct {
	Do          string   `json:"do"`
	Topic       string   `json:"topic"`
	Group       string   `json:"group"`
	Partitions  int      `json:"partitions"`
	Count       int      `json:"count"`
	Since       *int64   `json:"since"`
	Idempotence *bool    `json:"idempotence"`
	Codec       string   `json:"codec"`
	Acks        string   `json:"acks"`
	Records     []Record `json:"records"`
}

// Answer holds what a command asks for; what it does not ask for is left out.
type Answer map[string]any

// Lacks says why the library has no such thing.
type Lacks string

func (why Lacks) Error() string { return string(why) }

// Serve answers command after command until standard input ends. The version is that of the module.
func Serve(library, module string, answer func(Command) (Answer, error)) {
	say(Answer{"library": library, "version": version(module)})
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var command Command
		if err := json.Unmarshal(line, &command); err != nil {
			say(Answer{"error": err.Error()})
			continue
		}
		found, err := answer(command)
		var lacks Lacks
		switch {
		case errors.As(err, &lacks):
			say(Answer{"lacks": lacks.Error()})
		case err != nil:
			say(Answer{"error": err.Error()})
		case found == nil:
			say(Answer{})
		default:
			say(found)
		}
	}
}

func say(what Answer) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, found := range info.Deps {
		if found.Path == module {
			return found.Version[1:]
		}
	}
	return "?"
}

// Bytes of a text; nil of none.
func Bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// Text of bytes; none of nil.
func Text(data []byte) *string {
	if data == nil {
		return nil
	}
	text := string(data)
	return &text
}
