using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Tests.VirtualTime;

public sealed class MessageHeapTests
{
    [Fact]
    public void Pop_RandomMessages_ComeInTotalOrder()
    {
        Gen.Select(Gen.Long[0, 20], Gen.Int[0, 5]).Array[0, 200].Sample(items =>
        {
            MessageHeap heap = new();
            List<SimMessage> expected = [];
            for (int i = 0; i < items.Length; i++)
            {
                SimMessage message = new() { Due = items[i].Item1, Sender = items[i].Item2, Sequence = i };
                expected.Add(message);
                heap.Push(message);
            }

            expected.Sort((a, b) => a.Before(b) ? -1 : b.Before(a) ? 1 : 0);
            foreach (SimMessage message in expected)
            {
                Assert.Equal(message.Due, heap.NextDue);
                Assert.Equal(message.Sequence, heap.Pop().Sequence);
            }

            Assert.Equal(Cycles.Never, heap.NextDue);
        });
    }
}
