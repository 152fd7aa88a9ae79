using VmSim.Core.Traces;
using VmSim.Host.Maps;
using VmSim.Host.Reporting;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>The kernel's areas, and a trace that is compared with them.</summary>
internal sealed class MapsTarget() : FuzzTarget("maps", typeof(TraceFormatException))
{
    private const string Trace = "in.vmt";

    public override IEnumerable<byte[]> Seeds =>
    [
        SeedFiles.Text("# vmaps 1 pagesize 4096\n@ 12 0 start /bin/x\n00001000-00005000 rw-p 00000000 00:00 0 [stack]\nSize: 16 kB\n"
            + "Rss: 8 kB\n"
            + "Anonymous: 8 kB\nVmFlags: rd wr mr mw me ac\n00009000-0000a000 r-xp 00000000 fe:01 12 /bin/x\n"
            + "@ 12 0 call:munmap:20000:1000:0:0:0:0 /bin/x\n00009000-0000a000 r-xp 00000000 fe:01 12 /bin/x\n"
            + "@ 12 0 exit /bin/x\n00009000-0000a000 r-xp 00001000 fe:01 12 /bin/x (deleted)\nMinorFaults: 5\nThreads: 2\n"
            + "%%file in.vmt\n# vmt 1 x pagesize 4096\nf 1 /bin/x\nm 20000 3000 3 22 - 0\nt 1\nW 20 3\nu 20000 1000\nR 9\n"),
        SeedFiles.Text("55d0c0000000-55d0c0028000 r--p 00000000 fe:01 1234    /usr/lib/libc\\012.so.6\n"
            + "7ffc0000000-7ffc0021000 rw-s 00000000 00:05 0    /SYSV00000000 (deleted)\n"
            + "ffffffffff600000-ffffffffff601000 --xp 0 00:00 0 [vsyscall]\n"
            + "%%file in.vmt\n# vmt 1 x pagesize 4096\ni 1000 4000 3 122 - 0 [stack]\nb 9000\nb a000\nt 1\nW 1\nk fork 7\nk exec\nR 3\n"
            + "%%file in.child.7.vmt\n# vmt 1 x pagesize 4096\nt 1\nW 1\n"),
    ];

    public override IEnumerable<string> Words =>
    [
        "\n@ 12 0 start ", "\n@ 7 12 exec ", "\n@ 7 12 exit ", "\n@ 12 0 call:", "call:mmap:0:1000:3:22:0:0", " rw-p 00000000 00:00 0 ",
        "[heap]",
        "[anon:x]", "[vdso]", "/dev/zero (deleted)", "\nRss: 8 kB", "\nAnonHugePages: 2048 kB", "18446744073709551615", "ffffffffffffffff",
    ];

    protected override void Read(byte[] input)
    {
        FuzzInput parts = FuzzInput.Of(input);
        using StreamReader reader = KernelMaps.Open(new MemoryStream(parts.Main, writable: false));
        KernelMaps maps = KernelMaps.Read(reader, "fuzz.maps");
        if (parts.Files.TryGetValue(Trace, out byte[]? trace))
        {
            MapsVerdict verdict = MapsReplay.Run(
                () => TraceSources.Open(new MemoryStream(trace, writable: false), Trace), parts.OpenIfThere, maps, process: null);
            MapsVerdictView.Show(verdict, TextWriter.Null);
        }
    }
}
