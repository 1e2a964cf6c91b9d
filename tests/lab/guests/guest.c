/* What a guest of the lab does: it counts. Each second it writes the counter to its disk and then prints it, with what
 * else a test wants to know, on its console. What is printed is on the disk, so a copy that lacks it has lost something.
 * After a reboot it goes on from what the disk says. Words of the kernel's command line: dirty=MiB (memory to dirty).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 512, BLOCKS = 1000 };

static void read_text(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, text, size - 1);
    text[length < 0 ? 0 : length] = 0;
    if (file >= 0) close(file);
}

static long highest_on(const char *disk) {
    char block[BLOCK + 1] = {0};
    long highest = 0, counter;
    int file = open(disk, O_RDONLY);
    for (int n = 0; file >= 0 && n < BLOCKS; n++)
        if (pread(file, block, BLOCK, (off_t)n * BLOCK) == BLOCK && sscanf(block, "tick %ld ", &counter) == 1)
            if (counter > highest) highest = counter;
    if (file >= 0) close(file);
    return highest;
}

static const char *write_to(const char *disk, long counter, const char *boot) {
    char block[BLOCK] = {0};
    int file = open(disk, O_WRONLY | O_SYNC);
    if (file < 0) return "none";
    snprintf(block, BLOCK, "tick %ld boot=%s\n", counter, boot);
    ssize_t written = pwrite(file, block, BLOCK, (off_t)(counter % BLOCKS) * BLOCK);
    return close(file) == 0 && written == BLOCK ? "ok" : "failed";
}

static void dirty_for_ever(size_t bytes) {
    volatile unsigned long *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) exit(1);
    for (unsigned long round = 1;; round++)
        for (size_t n = 0; n < bytes / sizeof *memory; n += 4096 / sizeof *memory) memory[n] = round * 2654435761UL + n;
}

int main(void) {
    char words[2048], boot[64], up[64], memory[256];
    read_text("/proc/cmdline", words, sizeof words);
    read_text("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    boot[8] = 0;
    const char *dirty = strstr(words, "dirty=");
    long mib = dirty ? atol(dirty + strlen("dirty=")) : 0;
    if (mib > 0 && fork() == 0) dirty_for_ever((size_t)mib << 20);
    for (long counter = highest_on("/dev/vda") + 1;; counter++) {
        long total = 0, available = 0;
        const char *disk = write_to("/dev/vda", counter, boot);
        read_text("/proc/uptime", up, sizeof up);
        up[strcspn(up, " ")] = 0;
        read_text("/proc/meminfo", memory, sizeof memory);
        sscanf(memory, "MemTotal: %ld kB MemFree: %ld", &total, &available);
        printf("tick %ld up=%s boot=%s total_kib=%ld free_kib=%ld disk=%s.\n", counter, up, boot, total, available, disk);
        fflush(stdout);
        sleep(1);
    }
}
