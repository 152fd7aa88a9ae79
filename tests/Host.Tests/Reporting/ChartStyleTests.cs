using VmSim.Core.Engine;
using VmSim.Host.Reporting;

namespace VmSim.Host.Tests.Reporting;

public sealed class ChartStyleTests
{
    /// <summary>A class of cycles has a colour that no other one has, whichever of them a run lacks.</summary>
    [Fact]
    public void ClassColours_AreOneForEachClass()
    {
        Assert.Equal(CoreCycles.All.Count, ChartStyle.ClassColours.Count);
        Assert.Equal(ChartStyle.ClassColours.Distinct(), ChartStyle.ClassColours);
    }
}
