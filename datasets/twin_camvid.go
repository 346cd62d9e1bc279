package datasets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func init() {
	twins["camvid"] = generator{items: 200, h: 180, w: 240, draw: drawCamVid}
	twins["camvid_tiny"] = generator{items: 100, h: 96, w: 128, draw: drawCamVid}
}

// The classes of CamVid, in the order of its codes.txt.
const (
	cvAnimal uint8 = iota
	cvArchway
	cvBicyclist
	cvBridge
	cvBuilding
	cvCar
	cvCartLuggagePram
	cvChild
	cvColumnPole
	cvFence
	cvLaneMkgsDriv
	cvLaneMkgsNonDriv
	cvMiscText
	cvMotorcycleScooter
	cvOtherMoving
	cvParkingBlock
	cvPedestrian
	cvRoad
	cvRoadShoulder
	cvSidewalk
	cvSignSymbol
	cvSky
	cvSuvPickupTruck
	cvTrafficCone
	cvTrafficLight
	cvTrain
	cvTree
	cvTruckBus
	cvTunnel
	cvVegetationMisc
	cvVoid
	cvWall
)

const camVidCodes = "Animal Archway Bicyclist Bridge Building Car CartLuggagePram Child Column_Pole Fence LaneMkgsDriv LaneMkgsNonDriv Misc_Text MotorcycleScooter OtherMoving ParkingBlock Pedestrian Road RoadShoulder Sidewalk SignSymbol Sky SUVPickupTruck TrafficCone TrafficLight Train Tree Truck_Bus Tunnel VegetationMisc Void Wall"

// camVidSeed picks the scenes.
const camVidSeed = 2008

// camVidName is the file name of scene i without its ending, in the manner of the real set: a drive and
// the number of a frame.
func camVidName(i int) string {
	drive := [...]string{"0001TP_%06d", "0006R0_f%05d", "0016E5_%05d"}[i%3]
	return fmt.Sprintf(drive, 390+30*i)
}

// camVidValid says whether scene i is for validation: one in seven, as of the real set's 701.
func camVidValid(i int) bool { return i%7 == 3 }

// drawCamVid draws images/, labels/, codes.txt and valid.txt.
func drawCamVid(ctx context.Context, dir string, o order) error {
	for _, d := range []string{"images", "labels"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			return err
		}
	}
	bar := newCount("drawing street scenes", o.n)
	defer bar.done()
	bar.add(int64(o.have))
	err := inParallel(ctx, o.have, o.n, func(i int) error {
		defer bar.add(1)
		p := newPainter(o.w, o.h, camVidSeed, uint64(i))
		drawStreet(p)
		pic, classes, err := p.pngs(5)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "images", camVidName(i)+".png"), pic, 0o666); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "labels", camVidName(i)+"_P.png"), classes, 0o666)
	})
	if err != nil {
		return err
	}
	codes := strings.ReplaceAll(camVidCodes, " ", "\n") + "\n"
	if err := writeFile(filepath.Join(dir, "codes.txt"), []byte(codes)); err != nil {
		return err
	}
	var valid strings.Builder
	for i := range o.n {
		if camVidValid(i) {
			valid.WriteString(camVidName(i) + ".png\n")
		}
	}
	return writeFile(filepath.Join(dir, "valid.txt"), []byte(valid.String()))
}
