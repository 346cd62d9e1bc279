"""Jupyter's own test kit for kernels, with every part it offers that applies switched on."""
import unittest

import jupyter_kernel_test as jkt


class KernelTest(jkt.KernelTests):
    kernel_name = "fastnb"
    language_name = "go"
    file_extension = ".go"
    code_hello_world = 'fmt.Println("hello, world")'
    code_stderr = 'fmt.Fprintln(os.Stderr, "test")'
    completion_samples = [{"text": "fmt.Printl", "matches": {"Println"}}, {"text": "GetTransf", "matches": {"GetTransforms"}}]
    complete_code_samples = ["x := 1", "func f() {\n}\n", "if true { }", "// hello", "%help"]
    incomplete_code_samples = ["func f() {", "fmt.Println(", "x := []int{1,", '"a" +']
    invalid_code_samples = ["x := )", "func 1f() {}"]
    code_generate_error = 'panic("boom")'
    code_execute_result = [{"code": "1+2", "result": "3"}, {"code": "6*7", "result": "42"}, {"code": 'x9 := "a"\nx9', "result": "a"}]
    code_display_data = [
        {"code": 'import "display"\nDisplay(display.HTML("<b>hi</b>"))', "mime": "text/html"},
        {"code": 'Display(display.Markdown("# hi"))', "mime": "text/markdown"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "fmt.Println"
    code_page_something = "strings.ToUpper?"
    code_clear_output = "cell.ClearOutput(false)"


if __name__ == "__main__":
    unittest.main(verbosity=2)
