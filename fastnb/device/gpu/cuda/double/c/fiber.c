// Stacks that take turns. A switch keeps what the calling convention asks for and nothing more.
#include "internal.h"

extern void fastnb_fiber_start(void) __attribute__((visibility("hidden")));
extern void fastnb_fiber_swap(void **save, void *to) __attribute__((visibility("hidden")));

#if defined(__x86_64__)
__asm__(".text\n.hidden fastnb_fiber_swap\n.globl fastnb_fiber_swap\n.type fastnb_fiber_swap,@function\nfastnb_fiber_swap:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
        ".hidden fastnb_fiber_start\n.globl fastnb_fiber_start\n.type fastnb_fiber_start,@function\nfastnb_fiber_start:\n"
        "movq %r12,%rdi\nandq $-16,%rsp\ncall *%r13\nud2\n");
void fiber_new(void **sp, char *top, void (*f)(void *), void *arg) {
  void **p = (void **)((uintptr_t)top & ~(uintptr_t)15);
  *--p = 0;
  *--p = (void *)fastnb_fiber_start; // where the first switch returns to
  *--p = 0;                          // rbp
  *--p = 0;                          // rbx
  *--p = arg;                        // r12
  *--p = (void *)f;                  // r13
  *--p = 0;
  *--p = 0;
  *sp = p;
}
#elif defined(__aarch64__)
__asm__(".text\n.hidden fastnb_fiber_swap\n.globl fastnb_fiber_swap\n.type fastnb_fiber_swap,%function\nfastnb_fiber_swap:\n"
        "sub sp,sp,#160\nstp x19,x20,[sp]\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\nstp x25,x26,[sp,#48]\nstp x27,x28,[sp,#64]\n"
        "stp x29,x30,[sp,#80]\nstp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\nstp d14,d15,[sp,#144]\n"
        "mov x9,sp\nstr x9,[x0]\nmov sp,x1\n"
        "ldp x19,x20,[sp]\nldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\nldp x25,x26,[sp,#48]\nldp x27,x28,[sp,#64]\n"
        "ldp x29,x30,[sp,#80]\nldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\nldp d12,d13,[sp,#128]\nldp d14,d15,[sp,#144]\n"
        "add sp,sp,#160\nret\n"
        ".hidden fastnb_fiber_start\n.globl fastnb_fiber_start\n.type fastnb_fiber_start,%function\nfastnb_fiber_start:\n"
        "mov x0,x19\nblr x20\nbrk #1\n");
void fiber_new(void **sp, char *top, void (*f)(void *), void *arg) {
  void **p = (void **)((uintptr_t)top & ~(uintptr_t)15) - 20;
  for (int i = 0; i < 20; i++) p[i] = 0;
  p[0] = arg;                        // x19
  p[1] = (void *)f;                  // x20
  p[11] = (void *)fastnb_fiber_start; // x30
  *sp = p;
}
#else
#error "the CUDA double knows x86-64 and arm64"
#endif

void fiber_swap(void **save, void *to) { fastnb_fiber_swap(save, to); }
