using VmSim.Actors.Cluster;
using VmSim.Core.Settings;

namespace VmSim.Actors.Tests.Cluster;

public sealed class NodeRefusalTests
{
    [Fact]
    public void Of_AWrongScenario_SaysWhatIsWrong() => Assert.Equal(
        new NodeProtocol.Refused(1, "cores: 0 found"), NodeRefusal.Of(1, new AggregateException(new ScenarioException("cores: 0 found"))));

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(FileNotFoundException))]
    [InlineData(typeof(UnauthorizedAccessException))]
    public void Of_AFileThatCannotBeRead_SaysNothingOfTheFile(Type kind)
    {
        Exception failure = (Exception)Activator.CreateInstance(kind, "/etc/shadow: access denied")!;
        NodeProtocol.Refused refused = Assert.IsType<NodeProtocol.Refused>(NodeRefusal.Of(1, failure));
        Assert.DoesNotContain("shadow", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ADefect_IsAFailure() =>
        Assert.Equal(2, Assert.IsType<NodeShardProtocol.Failed>(NodeRefusal.Of(2, new InvalidOperationException("a defect"))).Node);
}
