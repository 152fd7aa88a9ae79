using VmSim.Core.Programs;
using VmSim.Core.Traces;
using VmSim.Host.Maps;

namespace VmSim.Host.Tests.Maps;

public sealed class KernelMapsTests
{
    [Fact]
    public void Read_CopyOfSmaps_HasTheAreasOfOneProcess()
    {
        KernelMaps maps = Read(
            """
            55d0a0c00000-55d0a0c02000 r-xp 00001000 fe:01 42                         /opt/a b/app (deleted)
            Size:                  8 kB
            Rss:                   8 kB
            Anonymous:             4 kB
            AnonHugePages:      2048 kB
            VmFlags: rd ex mr mw me
            7ffc00000000-7ffc00021000 rw-s 00000000 00:00 0
            """);
        KernelSnapshot snapshot = Assert.Single(maps.Snapshots);
        Assert.Equal((0UL, SnapshotEvent.Exit, 2), (snapshot.Process, snapshot.Event, snapshot.Areas.Count));
        KernelArea first = snapshot.Areas[0];
        Assert.Equal((0x55d0a0c00000UL, 0x55d0a0c02000UL, 0x1000UL), (first.Start, first.End, first.Offset));
        Assert.Equal((Protection.Read | Protection.Execute, false, "/opt/a b/app (deleted)"), (first.Rights, first.IsShared, first.Name));
        Assert.Equal((8192UL, 4096UL, 2UL << 20), (first.ResidentBytes, first.AnonymousBytes, first.HugeBytes));
        Assert.Equal((true, ""), (snapshot.Areas[1].IsShared, snapshot.Areas[1].Name));
    }

    [Fact]
    public void Read_CapturedFile_HasEventsWithTheirProcesses()
    {
        KernelMaps maps = Read(
            """
            # vmaps 1 pagesize 4096
            @ 7 5 start /bin/my app
            MinorFaults: 31
            .
            @ 7 5 call:munmap:7f00:1000:0:0:0:0 /bin/my app
            .
            @ 7 5 exit /bin/my app
            .
            """);
        Assert.Equal([SnapshotEvent.Start, SnapshotEvent.Call, SnapshotEvent.Exit], maps.Of(7).Select(snapshot => snapshot.Event));
        Assert.Equal((5UL, 31L, "/bin/my app"), (maps.Snapshots[0].Parent, maps.Snapshots[0].MinorFaults, maps.Snapshots[0].Program));
        Assert.Equal("munmap", maps.Snapshots[1].CallName);
        Assert.Equal([0x7f00UL, 0x1000UL, 0, 0, 0, 0], maps.Snapshots[1].Arguments);
    }

    [Theory]
    [InlineData("@ 7 exit")]
    [InlineData("@ 7 5 sometime /bin/app")]
    [InlineData("55d0-zz r-xp 0 0:0 0")]
    [InlineData("55d0-55d1 r-xp")]
    [InlineData("Rss: 4 kB")]
    [InlineData("I 5 1")]
    public void Read_OtherText_IsRefusedWithItsLine(string line)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Read(line));
        Assert.Equal(("x.maps", 1L), (error.File, error.Line));
    }

    [Fact]
    public void Read_Nothing_IsRefused() => Assert.Contains("no area", Assert.Throws<TraceFormatException>(() => Read("")).Message);

    private static KernelMaps Read(string text) => KernelMaps.Read(new StringReader(text), "x.maps");
}
