/* Makes the processor at hand say that it is an older one, so that libraries choose the loops that they choose there:

     gcc -shared -fPIC -O1 -o processor.so processor.c; LD_PRELOAD=./processor.so PROCESSOR=haswell python ...

   PROCESSOR is haswell (Intel, AVX2) or zen2 (AMD, AVX2). Linux lets the instruction CPUID raise a signal, here
   answered with what the older one says of its maker, model, instructions and caches. /proc/cpuinfo stays as it is. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012 /* 0: CPUID raises SIGSEGV in this thread, and those that it starts */

static int amd;
static struct sigaction before;

static void cpuid(uint32_t leaf, uint32_t part, uint32_t *r) {
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(part));
}

static void maker(uint32_t leaf, uint32_t *r) {
    r[0] = leaf ? (amd ? 0x8000001E : r[0]) : 0xD;
    if (amd) {
        memcpy(&r[1], "Auth", 4);
        memcpy(&r[3], "enti", 4);
        memcpy(&r[2], "cAMD", 4);
    }
}

static void caches(uint32_t part, uint32_t *r) {
    static const uint32_t kind[] = {0x21, 0x22, 0x43, 0x163};
    const uint32_t ways[] = {8, 8, 8, 16}, sets[] = {64, 64, amd ? 1024 : 512, amd ? 16384 : 8192};
    if (part > 3) {
        memset(r, 0, 16);
        return;
    }
    if (amd) r[0] = kind[part], r[3] = 0;
    r[1] = (ways[part] - 1) << 22 | 63; /* lines of 64 bytes */
    r[2] = sets[part] - 1;
}

static void older(uint32_t leaf, uint32_t part, uint32_t *r) {
    const uint32_t known = 1 << 0 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9; /* FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS */
    if (leaf == 0 || leaf == 0x80000000) {
        maker(leaf, r);
    } else if (leaf == 1) {
        r[0] = amd ? 0x00870F10 : 0x000306C3;
    } else if (leaf == (amd ? 0x8000001D : 4)) {
        caches(part, r);
    } else if (leaf == 7) {
        r[1] = part == 0 ? r[1] & known : 0;
        r[0] = r[2] = r[3] = 0;
    } else if (leaf == 0xD) { /* what is saved of the registers: nothing of AVX-512 */
        if (part == 0) r[0] = 7, r[1] = r[2] = 832;
        if (part == 1) r[0] &= 1;
        if (part > 2) memset(r, 0, 16);
    } else if (leaf == 0x80000005 && amd) {
        r[0] = r[1] = 0;
        r[2] = r[3] = 32u << 24 | 8 << 16 | 1 << 8 | 64;
    } else if (leaf == 0x80000006) {
        r[2] = (amd ? 512u << 16 | 1 << 8 : 256u << 16) | 6 << 12 | 64;
        r[3] = amd ? 32u << 18 | 9 << 12 | 1 << 8 | 64 : 0;
    } else if ((leaf > 0xD && leaf < 0x80000000) || (amd && (leaf == 2 || leaf == 4 || leaf > 0x80000008))) {
        memset(r, 0, 16);
    }
}

static void fault(int number, siginfo_t *info, void *context) {
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *at = (const uint8_t *)g[REG_RIP];
    if (info->si_code != SI_KERNEL || at[0] != 0x0F || at[1] != 0xA2) {
        sigaction(number, &before, 0);
        return; /* and fail again, truly */
    }
    uint32_t leaf = g[REG_RAX], part = g[REG_RCX], r[4];
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    cpuid(leaf, part, r);
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    older(leaf, part, r);
    g[REG_RAX] = r[0], g[REG_RBX] = r[1], g[REG_RCX] = r[2], g[REG_RDX] = r[3];
    g[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void) {
    const char *name = getenv("PROCESSOR");
    if (!name) return;
    amd = !strcmp(name, "zen2");
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &before);
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0)) _exit(77); /* this processor, or this kernel, can't */
}
