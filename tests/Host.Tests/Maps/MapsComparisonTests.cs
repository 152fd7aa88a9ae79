using System.Text;
using VmSim.Core.Traces;
using VmSim.Host.Maps;

namespace VmSim.Host.Tests.Maps;

/// <summary>What counts as the same area.</summary>
public sealed class MapsComparisonTests
{
    [Fact]
    public void Compare_TraceWithAreasOfTheKernelsOwn_IsEqual()
    {
        const string Maps =
            """
            # vmaps 1 pagesize 4096
            @ 7 5 exit /bin/a
            7000000-7001000 rw-p 00000000 00:00 0
            7ffff7fc0000-7ffff7fc2000 r--p 00000000 00:00 0 [vvar]
            7ffff7fc2000-7ffff7fc4000 r--p 00000000 00:00 0 [vvar_vclock]
            7ffff7fc4000-7ffff7fc6000 r--p 00000000 00:00 0
            """;
        byte[] trace =
            """
            i 7ffff7fc0000 2000 1 22 - 0 [vvar]
            i 7ffff7fc2000 4000 1 22 - 0
            t 0
            m 7000000 1000 3 22 - 0

            """u8.ToArray();
        MapsVerdict verdict = MapsReplay.Run(
            () => TraceSources.Open(new MemoryStream(trace), "x.vmt"),
            _ => null,
            KernelMaps.Read(new StringReader(Maps), "x.maps"),
            process: null);
        Assert.True(verdict.IsEqual);
    }

    [Theory]
    [InlineData("/tmp/a", "/tmp/a (deleted)")]
    [InlineData("/tmp/a (deleted)", "/tmp/a")]
    [InlineData("/tmp/a (deleted)", "/tmp/a (deleted)")]
    public void Compare_FileThatWasDeleted_IsThatFile(string kernel, string traced)
    {
        MapsVerdict verdict = MapsReplay.Run(
            () => TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes($"t 0\nf 1 {traced}\nm 7000000 1000 1 2 1 0\n")), "x.vmt"),
            _ => null,
            KernelMaps.Read(new StringReader($"7000000-7001000 r--p 00000000 fe:01 7 {kernel}\n"), "x.maps"),
            process: null);
        Assert.True(verdict.IsEqual);
    }
}
